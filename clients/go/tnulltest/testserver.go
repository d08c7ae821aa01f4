package tnulltest

import "testing"

// TestServer is a Server of a test: what must work and does not fails the test.
type TestServer struct {
	*Server
	t testing.TB
}

// Create is Server.Create; an error fails the test.
func (s *TestServer) Create(name string, attributes Attributes) *TestDevice {
	s.t.Helper()
	device, err := s.Server.Create(name, attributes)
	if err != nil {
		s.t.Fatal(err)
	}
	return &TestDevice{Device: device, t: s.t}
}

// TestDevice is a Device of a test. The calls of Device return their errors; those here fail the test.
type TestDevice struct {
	*Device
	t testing.TB
}

// AddFault is Device.AddFault; an error fails the test.
func (d *TestDevice) AddFault(rule Rule) string {
	d.t.Helper()
	id, err := d.Device.AddFault(rule)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// Log is Device.Log; an error, and commands that are not kept any more, fail the test.
func (d *TestDevice) Log(words Words) []Command {
	d.t.Helper()
	commands, dropped, err := d.Device.Log(words)
	if err != nil {
		d.t.Fatal(err)
	}
	if dropped > 0 {
		d.t.Fatalf("%d commands are not kept any more: a larger log keeps more", dropped)
	}
	return commands
}

// Struck is how often a rule has struck.
func (d *TestDevice) Struck(id string) int {
	d.t.Helper()
	rules, err := d.Faults()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, rule := range rules {
		if rule.ID == id {
			return rule.Struck
		}
	}
	d.t.Fatalf("there is no rule %s", id)
	return 0
}
