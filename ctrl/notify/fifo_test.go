package notify

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/ctrl/script"

	"golang.org/x/sys/unix"
)

// newNotifier returns a notifier that runs real scripts.
func newNotifier(t *testing.T, fifos ...FIFO) *Notifier {
	t.Helper()
	launcher, err := script.NewLauncher(script.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(launcher.Close)
	n := New(launcher.Run, slog.New(slog.DiscardHandler))
	if err := n.Update(Options{FIFOs: fifos}); err != nil {
		t.Fatal(err)
	}
	return n
}

func closeIn(t *testing.T, n *Notifier, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

const plenty = 20 * time.Second

func TestAFIFOGetsALineForEachEventInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n := newNotifier(t, FIFO{Path: path})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := fs.ModeNamedPipe | 0o600; info.Mode() != want {
		t.Errorf("the FIFO is %v, want %v", info.Mode(), want)
	}
	n.Notify(Event{vi, Backup, 100})
	n.Notify(Event{vi, Master, 100})
	n.Notify(Event{other, Master, 100})
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	n.Notify(Event{vi, Stop, 100})
	closeIn(t, n, plenty)
	var got []string
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		got = append(got, lines.Text())
	}
	want := []string{
		`INSTANCE "VI_1" BACKUP 100`, `INSTANCE "VI_1" MASTER 100`, `GROUP "VG_1" MASTER 0`, `INSTANCE "VI_1" STOP 100`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the FIFO is there after Close: %v", err)
	}
}

func TestAFIFOThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNotifier(t, FIFO{Path: path})
	const events = 10_000 // some 280 KB
	for range events {
		n.Notify(Event{vi, Master, 100})
	}
	if c := n.Counts(); c.Events != events || c.LostLines == 0 || c.LostLines == events {
		t.Errorf("counts %+v, want some lines lost and some not", c)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if want := "INSTANCE \"VI_1\" MASTER 100\n"; err != nil || line != want {
		t.Errorf("read %q, %v, want %q: no line in part", line, err, want)
	}
	closeIn(t, n, plenty)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a FIFO that was there before is gone after Close: %v", err)
	}
}

func TestAFIFOsScriptReadsAllToTheEnd(t *testing.T) {
	directory := t.TempDir()
	path, out := filepath.Join(directory, "fifo"), filepath.Join(directory, "out")
	// $1 is an argument of the configuration, $2 the FIFO.
	reader := &Script{Command: []string{"/bin/sh", "-c", `exec < "$2"; echo $1 > ` + out + `; cat >> ` + out, "sh", "begun"}}
	n := newNotifier(t, FIFO{Path: path, Script: reader})
	await(t, out, "begun\n")
	for i := range 100 {
		n.Notify(Event{vi, Master, uint8(i)})
	}
	closeIn(t, n, plenty)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(string(text), "MASTER"), 100; got != want {
		t.Errorf("the script has read %d lines, want %d", got, want)
	}
}

// await waits until a file has a content.
func await(t *testing.T, path, want string) {
	t.Helper()
	var got []byte
	for deadline := time.Now().Add(plenty); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got, _ = os.ReadFile(path); string(got) == want { // it may not be there yet
			return
		}
	}
	t.Fatalf("%s holds %q, want %q", path, got, want)
}

func TestAFIFOsScriptThatDoesNotEndIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n := newNotifier(t, FIFO{Path: path, Script: &Script{Command: []string{"/bin/sh", "-c", "sleep 1000"}}})
	closeIn(t, n, plenty)
}

func TestUpdateLeavesAnUnchangedFIFOAlone(t *testing.T) {
	directory := t.TempDir()
	kept, gone, fresh := filepath.Join(directory, "kept"), filepath.Join(directory, "gone"), filepath.Join(directory, "fresh")
	n := newNotifier(t, FIFO{Path: kept}, FIFO{Path: gone})
	n.Notify(Event{vi, Master, 1})
	if err := n.Update(Options{FIFOs: []FIFO{{Path: fresh}, {Path: kept}}}); err != nil {
		t.Fatal(err)
	}
	n.Notify(Event{vi, Master, 2})
	for path, want := range map[string]string{
		kept: "INSTANCE \"VI_1\" MASTER 1\nINSTANCE \"VI_1\" MASTER 2\n", fresh: "INSTANCE \"VI_1\" MASTER 2\n",
	} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1000)
		count, err := unix.Read(fd, text)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			t.Fatal(err)
		}
		if got := string(text[:count]); got != want {
			t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
		}
	}
	if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the FIFO that is not wanted any more is there: %v", err)
	}
	closeIn(t, n, plenty)
}

func TestAFIFOThatCannotBeOpenedIsNamedAndTheOthersServe(t *testing.T) {
	directory := t.TempDir()
	file, good := filepath.Join(directory, "file"), filepath.Join(directory, "good")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNotifier(t)
	err := n.Update(Options{FIFOs: []FIFO{{Path: file}, {Path: good}, {Path: filepath.Join(directory, "no/where")}}})
	want := fmt.Sprintf("open FIFO %s: there is something else at this path: remove it or choose another\n"+
		"open FIFO %s/no/where: no such file or directory", file, directory)
	if err == nil || err.Error() != want {
		t.Errorf("Update: %v, want %s", err, want)
	}
	if _, err := os.Stat(good); err != nil {
		t.Error(err)
	}
	closeIn(t, n, plenty)
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestRealScriptsGetTheirArguments(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	n := newNotifier(t)
	append := func(words ...string) *Script {
		return &Script{Command: append([]string{"/bin/sh", "-c", `echo "$@" >> ` + out, "sh"}, words...)}
	}
	err := n.Update(Options{Scripts: map[Subject]Scripts{
		vi: {Master: append("own"), Stop: append("stop"), Any: append("any", "configured")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	n.Notify(Event{vi, Master, 100})
	n.Notify(Event{vi, Stop, 100})
	closeIn(t, n, plenty)
	await(t, out, "own\nany configured INSTANCE VI_1 MASTER 100\nstop\nany configured INSTANCE VI_1 STOP 100\n")
}
