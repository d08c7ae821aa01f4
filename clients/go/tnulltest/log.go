package tnulltest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Words choose commands of a request log, as rules do: op, sectors, bytes, align, fua, client, from, until; and after,
// the number of a command: only those behind it.
type Words map[string]any

// Command is one that a client sent.
type Command struct {
	Seq uint64 `json:"seq"`
	// Arrived is ns since power on.
	Arrived uint64 `json:"arrived"`
	// Answered is ns since power on; nil: it has no reply. So it is with NS, the time between both, and Status.
	Answered *uint64 `json:"answered"`
	NS       *uint64 `json:"ns"`
	Op       string  `json:"op"`
	// Sector and Sectors are those of 512 bytes that it touches, Offset and Bytes what the client gave.
	Sector  uint64   `json:"sector"`
	Sectors uint64   `json:"sectors"`
	Offset  uint64   `json:"offset"`
	Bytes   uint64   `json:"bytes"`
	Flags   []string `json:"flags"`
	Client  uint64   `json:"client"`
	// Status is ok or an errno.
	Status *string `json:"status"`
}

// Log is the last commands that clients sent, the oldest first; the attribute log says how many are kept. Dropped
// older ones are not kept any more.
func (d *Device) Log(words Words) (commands []Command, dropped uint64, err error) {
	var text []byte
	if err = d.Call("GET", "/log?"+words.query().Encode(), nil, &text); err != nil {
		return nil, 0, err
	}
	take := func(one Command) error {
		commands = append(commands, one)
		return nil
	}
	dropped, err = eachCommand(bytes.NewReader(text), take)
	return commands, dropped, err
}

// FollowLog calls take for each command that has ended, and for each when it ends, until take returns an error, ctx is
// done (which is no error) or the device has gone. Dropped ones could not be told.
func (d *Device) FollowLog(ctx context.Context, words Words, take func(Command) error) (dropped uint64, err error) {
	query := words.query()
	query.Set("follow", "1")
	place := "http://localhost" + d.path("/log?"+query.Encode())
	request, err := http.NewRequestWithContext(ctx, "GET", place, nil)
	if err != nil {
		return 0, err
	}
	response, err := d.server.http.Do(request)
	if err != nil {
		return 0, unlessDone(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		text, _ := io.ReadAll(response.Body)
		return 0, refusalOf(response.StatusCode, text)
	}
	dropped, err = eachCommand(response.Body, take)
	return dropped, unlessDone(ctx, err)
}

func (w Words) query() url.Values {
	query := url.Values{}
	for name, value := range w {
		query.Set(name, fmt.Sprint(value))
	}
	return query
}

func eachCommand(lines io.Reader, take func(Command) error) (dropped uint64, err error) {
	reader := bufio.NewReader(lines)
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return dropped, nil
		}
		if err != nil {
			return dropped, err
		}
		line := struct {
			Command
			Dropped uint64 `json:"dropped"`
		}{}
		if err := json.Unmarshal(text, &line); err != nil {
			return dropped, err
		}
		if line.Dropped > 0 {
			dropped += line.Dropped
		} else if err := take(line.Command); err != nil {
			return dropped, err
		}
	}
}

func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
