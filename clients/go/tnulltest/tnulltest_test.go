package tnulltest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nbdsh runs lines of Python with libnbd's handle h at uri (Debian: python3-libnbd).
func nbdsh(uri, code string) (string, error) {
	code = "import nbd, sys; h = nbd.NBD(); h.connect_uri(sys.argv[1]); " + code
	said, err := exec.Command("/usr/bin/python3", "-c", code, uri).CombinedOutput()
	return string(said), err
}

func TestAFlushFailsWhereItIsToldTo(t *testing.T) {
	disk := Start(t).Create("disk", Attributes{"size": 64, "memory_backed": 1})
	rule := disk.AddFault(Rule{"op": "flush", "nth": 3, "error": "EIO"})
	said, err := nbdsh(disk.URI(), "h.flush(); h.flush(); h.flush()")
	if err == nil || !strings.Contains(said, "Input/output error") {
		t.Fatalf("%v: %s", err, said)
	}
	if struck := disk.Struck(rule); struck != 1 {
		t.Fatalf("struck %d times", struck)
	}
	if err := disk.RemoveFault(rule); err != nil {
		t.Fatal(err)
	}
	if err := disk.ClearFaults(); err != nil {
		t.Fatal(err)
	}
	if released, err := disk.ReleaseFaults(); err != nil || released != 0 {
		t.Fatal(released, err)
	}
}

func TestTheLogSaysWhetherAFlushWasSent(t *testing.T) {
	disk := Start(t).Create("disk", Attributes{"size": 1, "memory_backed": 1, "log": 3})
	if said, err := nbdsh(disk.URI(), "h.pwrite(b'x' * 512, 512); h.flush()"); err != nil {
		t.Fatal(said)
	}
	commands := disk.Log(Words{"op": "write,flush"})
	if len(commands) != 2 || commands[1].Op != "flush" || *commands[1].Status != "ok" {
		t.Fatalf("%+v", commands)
	}
	if one := commands[0]; one.Sector != 1 || one.Bytes != 512 || *one.Answered < one.Arrived {
		t.Fatalf("%+v", one)
	}
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	_, err := disk.FollowLog(ctx, Words{"after": commands[0].Seq}, func(one Command) error {
		seen++
		cancel()
		return nil
	})
	if err != nil || seen != 1 {
		t.Fatal(err, seen)
	}
	if said, err := nbdsh(disk.URI(), "[h.pread(512, 0) for _ in range(4)]"); err != nil {
		t.Fatal(said)
	}
	kept, dropped, err := disk.Device.Log(nil)
	if err != nil || len(kept) != 3 || dropped != 3 {
		t.Fatal(err, len(kept), dropped)
	}
	_, err = disk.FollowLog(context.Background(), Words{"op": "sync"}, nil)
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Errno != "EINVAL" {
		t.Fatal(err)
	}
}

func TestSnapshotsAndData(t *testing.T) {
	disk := Start(t, "--threads=2").Create("a b", Attributes{"size": 1, "memory_backed": true})
	if err := disk.Snapshot("clean"); err != nil {
		t.Fatal(err)
	}
	if said, err := nbdsh(disk.URI(), "h.pwrite(b'x' * 512, 0)"); err != nil {
		t.Fatal(said)
	}
	if data, err := disk.Data(); err != nil || data[0] != 'x' {
		t.Fatal(err, data[:8])
	}
	if err := disk.Rollback("clean"); err != nil {
		t.Fatal(err)
	}
	if data, err := disk.Data(); err != nil || data[0] != 0 {
		t.Fatal(err, data[:8])
	}
	if err := disk.DestroySnapshot("clean"); err != nil {
		t.Fatal(err)
	}
	if err := disk.SetData([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if data, err := disk.Data(); err != nil || !bytes.HasPrefix(data, []byte("abc\x00")) || len(data) != 1<<20 {
		t.Fatal(err, len(data))
	}
	if err := disk.Cut("all", "stay"); err != nil {
		t.Fatal(err)
	}
	all, err := disk.Attributes()
	if err != nil || all["power"] != 0.0 {
		t.Fatal(err, all["power"])
	}
	if err := disk.Remove(); err != nil {
		t.Fatal(err)
	}
}

func TestARefusalNamesErrnoAndAttribute(t *testing.T) {
	server := Start(t)
	_, err := server.Server.Create("disk", Attributes{"size": -1})
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Errno != "EINVAL" || refusal.Attribute != "size" {
		t.Fatal(err)
	}
	if err := server.Reset(); err != nil {
		t.Fatal(err)
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	_, err := New("--sise=3")
	if err == nil || !strings.Contains(err.Error(), "unknown flag '--sise'") {
		t.Fatal(err)
	}
}

func TestNothingIsLeftOfAServer(t *testing.T) {
	server, err := New("--listen=nbd://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	disk := server.Device("disk")
	if !strings.HasPrefix(disk.URI(), "nbd://127.0.0.1:") || disk.Socket() != "" {
		t.Fatal(disk.URI())
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(server.Control)); !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// npx, too, runs it in a shell, and hands down the standard streams alone.
func TestAServerBehindAShellStartsAndStops(t *testing.T) {
	program := os.Getenv("TNULL")
	if program == "" {
		program = "tnull"
	}
	script := filepath.Join(t.TempDir(), "tnull")
	text := "#!/bin/bash\nfor n in {3..63}; do eval \"exec $n>&-\"; done\n" + program + " \"$@\"\nexit $?\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TNULL", script)
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create("disk", Attributes{"size": 1}); err != nil {
		t.Fatal(err)
	}
	s.Stop() // with the status of the shell
	if _, err := os.Stat(filepath.Dir(s.Control)); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}
