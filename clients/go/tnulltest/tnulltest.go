// Package tnulltest starts tnull for a test: a block device over NBD that is slow, broken, full or forgetful as
// the test says.
//
//	func TestFlush(t *testing.T) {
//		disk := tnulltest.Start(t).Create("disk", tnulltest.Attributes{"size": 64, "memory_backed": 1})
//		disk.AddFault(tnulltest.Rule{"op": "flush", "nth": 3, "error": "EIO"})
//		...
//	}
//
// The server is a child process on a private unix socket. It ends with the test, and with the test's process,
// however that ends. Names of attributes are those of docs/parameters.md, words of rules those of docs/faults.md.
package tnulltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Attributes of a device, by name: numbers, booleans or texts.
type Attributes map[string]any

// Rule is the words of a rule of faults.
type Rule map[string]any

// Error is a refusal of the daemon.
type Error struct {
	// Errno is its name, such as EINVAL.
	Errno string `json:"errno"`
	// Message is the daemon's sentence.
	Message string `json:"message"`
	// Attribute is what was wrong of many; empty: nothing is named.
	Attribute string `json:"attribute"`
}

func (e *Error) Error() string { return e.Message }

// Server is a daemon of the test's own.
type Server struct {
	// Control is its control socket.
	Control string
	// URIs of its listeners, without an export.
	URIs []string

	process *exec.Cmd
	log     bytes.Buffer
	http    *http.Client
}

// How long it has to end; it waits up to 10 s for requests in flight itself.
const endTime = 15 * time.Second

// New starts a daemon without devices. Args are further arguments, as tnull --help lists them; with --listen among
// them it does not make a socket of its own. The program is $TNULL, or tnull on the PATH. Callers must call Stop.
func New(args ...string) (*Server, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	program := strings.Fields(os.Getenv("TNULL"))
	if len(program) == 0 {
		program = []string{"tnull"}
	}
	words := append(program[1:], "serve", "--nr-devices=0", "--exit-with-parent", "--control=-", "--ready-json")
	if !listens(args) {
		words = append(words, "--unix=-")
	}
	s := &Server{process: exec.Command(program[0], append(words, args...)...)}
	s.process.Stderr = &s.log
	s.process.Stdout = writer
	// There may be a shell or npx between, and we may be killed before it looks who started it. Of two, the last holds.
	s.process.Env = append(os.Environ(), fmt.Sprintf("TNULL_PARENT=%d", os.Getpid()))
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = s.process.Start()
	writer.Close()
	if err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(reader).ReadBytes('\n')
	if !bytes.HasSuffix(line, []byte("\n")) {
		err := s.process.Wait()
		return nil, fmt.Errorf("tnull did not start (%w)\n%s", err, s.log.String())
	}
	ready := struct {
		URIs    []string `json:"uris"`
		Control string   `json:"control"`
	}{}
	if err := json.Unmarshal(line, &ready); err != nil {
		s.Stop()
		return nil, err
	}
	s.URIs, s.Control = ready.URIs, ready.Control
	s.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.Control)
		},
	}}
	return s, nil
}

func listens(args []string) bool {
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if name == "--listen" || name == "-U" || name == "--unix" {
			return true
		}
	}
	return false
}

// Start is New for a test: it fails the test where New fails, and stops the server behind it.
func Start(t testing.TB, args ...string) *TestServer {
	t.Helper()
	s, err := New(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("tnull: %v\n%s", err, s.log.String())
		}
	})
	return &TestServer{Server: s, t: t}
}

// Stop ends the server, and waits until it has. It returns an error where the server ended badly.
func (s *Server) Stop() error {
	if s.process.ProcessState != nil {
		return nil
	}
	s.signal(syscall.SIGTERM)
	late := time.AfterFunc(endTime, func() { s.signal(syscall.SIGKILL) })
	defer late.Stop()
	// It waits for the end of the log, too, which the daemon holds open.
	return s.process.Wait()
}

// signal goes to the daemon, and to a shell or npx between, which does not hand it on.
func (s *Server) signal(number syscall.Signal) { syscall.Kill(-s.process.Process.Pid, number) }

// Call makes a call of the control API (docs/control.md). Body is sent as JSON, unless it is []byte; the answer is
// read into answer as JSON, unless that is *[]byte. Either may be nil. A refusal is an *Error.
func (s *Server) Call(method, path string, body, answer any) error {
	var sent io.Reader
	kind := "application/octet-stream"
	switch given := body.(type) {
	case nil:
	case []byte:
		sent = bytes.NewReader(given)
	default:
		text, err := json.Marshal(given)
		if err != nil {
			return err
		}
		sent, kind = bytes.NewReader(text), "application/json"
	}
	request, err := http.NewRequest(method, "http://localhost"+path, sent)
	if err != nil {
		return err
	}
	if sent != nil {
		request.Header.Set("Content-Type", kind)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return refusalOf(response.StatusCode, text)
	}
	switch wanted := answer.(type) {
	case nil:
		return nil
	case *[]byte:
		*wanted = text
		return nil
	default:
		return json.Unmarshal(text, answer)
	}
}

func refusalOf(status int, text []byte) error {
	refusal := &Error{}
	if json.Unmarshal(text, refusal) != nil || refusal.Errno == "" {
		return fmt.Errorf("the daemon answered with status %d", status)
	}
	return refusal
}

// Create makes a device and powers it on, unless power is 0. The attributes image (a path) and clone (NAME or
// NAME@SNAPSHOT) say what it begins as.
func (s *Server) Create(name string, attributes Attributes) (*Device, error) {
	body := Attributes{"power": 1}
	for key, value := range attributes {
		body[key] = value
	}
	device := s.Device(name)
	return device, s.Call("PUT", device.path(""), body, nil)
}

// Device is one that is there; nobody asks whether it is.
func (s *Server) Device(name string) *Device { return &Device{Name: name, server: s} }

// Reset makes every device anew as it was at start; those that came later are gone.
func (s *Server) Reset() error { return s.Call("POST", "/v1/reset", nil, nil) }

// Device is one device of a server.
type Device struct {
	Name   string
	server *Server
}

func (d *Device) path(rest string) string { return "/v1/devices/" + url.PathEscape(d.Name) + rest }

// Call makes a call below the path of the device, such as /stats.
func (d *Device) Call(method, path string, body, answer any) error {
	return d.server.Call(method, d.path(path), body, answer)
}

// URI is where NBD clients find it, at the first listener.
func (d *Device) URI() string {
	place, query, found := strings.Cut(d.server.URIs[0], "?")
	if !strings.HasSuffix(place, "/") {
		place += "/"
	}
	uri := place + url.PathEscape(d.Name)
	if found {
		uri += "?" + query
	}
	return uri
}

// Socket is the path of the unix socket; empty: it listens on TCP.
func (d *Device) Socket() string {
	parsed, err := url.Parse(d.URI())
	if err != nil {
		return ""
	}
	return parsed.Query().Get("socket")
}

// Attributes reads all of them.
func (d *Device) Attributes() (Attributes, error) {
	all := Attributes{}
	return all, d.Call("GET", "", nil, &all)
}

// Set changes attributes, all or none; power is last.
func (d *Device) Set(attributes Attributes) error { return d.Call("PATCH", "", attributes, nil) }

// Remove removes the device; what is in flight fails with ENODEV.
func (d *Device) Remove() error { return d.Call("DELETE", "?force=1", nil, nil) }

// Counted is a rule and how often it matched and struck.
type Counted struct {
	ID      string `json:"id"`
	Words   Rule   `json:"words"`
	Matched int    `json:"matched"`
	Struck  int    `json:"struck"`
	Held    int    `json:"held"`
}

// AddFault adds one more rule behind the others, and returns its id.
func (d *Device) AddFault(rule Rule) (string, error) {
	var added Counted
	err := d.Call("POST", "/faults/rules", rule, &added)
	return added.ID, err
}

// Faults lists the rules.
func (d *Device) Faults() ([]Counted, error) {
	var all struct {
		Rules []Counted `json:"rules"`
	}
	err := d.Call("GET", "/faults", nil, &all)
	return all.Rules, err
}

// RemoveFault removes a rule; what it holds is released.
func (d *Device) RemoveFault(id string) error {
	return d.Call("DELETE", "/faults/rules/"+url.PathEscape(id), nil, nil)
}

// ClearFaults removes all rules.
func (d *Device) ClearFaults() error { return d.Call("DELETE", "/faults", nil, nil) }

// ReleaseFaults lets go what hangs, and returns how many commands.
func (d *Device) ReleaseFaults() (int, error) {
	var released struct {
		Released int `json:"released"`
	}
	err := d.Call("POST", "/faults/release", nil, &released)
	return released.Released, err
}

// Snapshot keeps what the device holds now.
func (d *Device) Snapshot(name string) error { return d.Call("PUT", snapshot(name), nil, nil) }

// Rollback makes it hold what it held then; its clients stay connected.
func (d *Device) Rollback(name string) error {
	return d.Call("POST", snapshot(name)+"/rollback", nil, nil)
}

// DestroySnapshot removes a snapshot.
func (d *Device) DestroySnapshot(name string) error {
	return d.Call("DELETE", snapshot(name), nil, nil)
}

func snapshot(name string) string { return "/snapshots/" + url.PathEscape(name) }

// Cut lets the power go at once. Keep is none, all, random, whole or torn: what is left of the write cache. Down is
// how long, such as 200ms or stay; empty: not at all.
func (d *Device) Cut(keep, down string) error {
	query := url.Values{}
	if keep != "" {
		query.Set("keep", keep)
	}
	if down != "" {
		query.Set("down", down)
	}
	return d.Call("POST", "/cut?"+query.Encode(), nil, nil)
}

// Data is all that the device holds.
func (d *Device) Data() ([]byte, error) {
	var data []byte
	err := d.Call("GET", "/data", nil, &data)
	return data, err
}

// SetData has the device hold data from now on, with zeros behind.
func (d *Device) SetData(data []byte) error { return d.Call("PUT", "/data", data, nil) }
