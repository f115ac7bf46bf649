package track

import (
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// newWatch returns a tracker of real files and processes, and what it reports.
func newWatch(t *testing.T) (*Tracker, <-chan Result) {
	t.Helper()
	const plenty = 1000
	results := make(chan Result, plenty)
	tracker := New(Config{Report: func(r Result) { results <- r }, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(tracker.Close)
	return tracker, results
}

// await waits for a report, whatever comes before.
func await(t *testing.T, results <-chan Result, want Result) {
	t.Helper()
	deadline := time.After(patience)
	var seen []Result
	for {
		select {
		case r := <-results:
			if r == want {
				return
			}
			seen = append(seen, r)
		case <-deadline:
			t.Fatalf("reported %v, want %v", seen, want)
		}
	}
}

func file(name string, value int) Result {
	return Result{Kind: File, Name: name, State: Up, Value: value}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsFollowed(t *testing.T) {
	tracker, results := newWatch(t)
	path := filepath.Join(t.TempDir(), "number")
	must(t, tracker.Update(Options{Files: []FileOptions{{Name: "f", Path: path}}}))
	await(t, results, file("f", 0))
	put(t, path, "5\n")
	await(t, results, file("f", 5))
	put(t, path, "-3")
	await(t, results, file("f", -3))
	put(t, path, "99999999999") // says nothing
	put(t, path+".new", "7")
	must(t, os.Rename(path+".new", path))
	await(t, results, file("f", 7))
	must(t, os.Remove(path))
	await(t, results, file("f", 0))
}

func TestAFileIsFollowedWhereverItsDirectoryGoes(t *testing.T) {
	tracker, results := newWatch(t)
	directory := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(directory, "number")
	must(t, tracker.Update(Options{Files: []FileOptions{{Name: "f", Path: path}}}))
	await(t, results, file("f", 0))
	for _, value := range []int{1, 2} {
		must(t, os.Mkdir(directory, 0o755))
		put(t, path, strconv.Itoa(value))
		await(t, results, file("f", value))
		must(t, os.Rename(directory, directory+strconv.Itoa(value)))
		await(t, results, file("f", 0))
	}
	must(t, os.Symlink(directory+"2", directory))
	await(t, results, file("f", 2))
}

func TestAFileThatIsJustBeingWrittenDoesNotCountAsZero(t *testing.T) {
	path := filepath.Join(t.TempDir(), "number")
	put(t, path, "5")
	var told []int
	w := &fileWatch{
		FileOptions: FileOptions{Name: "f", Path: path}, log: slog.New(slog.DiscardHandler),
		tell: func(r Result) { told = append(told, r.Value) },
	}
	w.look()
	put(t, path, "")
	w.look()
	put(t, path, "6")
	w.look()
	put(t, path, "")
	w.look()
	w.look()
	if len(told) != 3 || told[0] != 5 || told[1] != 6 || told[2] != 0 {
		t.Errorf("told %v, want 5, 6, and 0 when the file was empty twice", told)
	}
}

func TestInitFile(t *testing.T) {
	for name, test := range map[string]struct {
		there string
		init  *FileInit
		want  int
	}{
		"is written if there is no file":      {"", &FileInit{Value: 9}, 9},
		"leaves a file alone":                 {"4", &FileInit{Value: 9}, 4},
		"overwrites a file if it is to do so": {"4", &FileInit{Value: 9, Overwrite: true}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, results := newWatch(t)
			path := filepath.Join(t.TempDir(), "number")
			if test.there != "" {
				put(t, path, test.there)
			}
			must(t, tracker.Update(Options{Files: []FileOptions{{Name: "f", Path: path, Init: test.init}}}))
			await(t, results, file("f", test.want))
		})
	}
}

func TestAFileIsInitializedOnlyWhenItIsNew(t *testing.T) {
	tracker, results := newWatch(t)
	path := filepath.Join(t.TempDir(), "number")
	options := FileOptions{Name: "f", Path: path, Init: &FileInit{Value: 9, Overwrite: true}}
	must(t, tracker.Update(Options{Files: []FileOptions{options}}))
	await(t, results, file("f", 9))
	put(t, path, "4")
	await(t, results, file("f", 4))
	options.Init = &FileInit{Value: 8, Overwrite: true}
	must(t, tracker.Update(Options{Files: []FileOptions{options}}))
	put(t, path, "5")
	await(t, results, file("f", 5))
}

// A FIFO that nobody writes to, a device that never ends.
func TestNoKindOfFileHoldsTheWatchUp(t *testing.T) {
	tracker, results := newWatch(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	must(t, tracker.Update(Options{Files: []FileOptions{{Name: "fifo", Path: fifo}, {Name: "zero", Path: "/dev/zero"}}}))
	seen := map[string]bool{}
	for len(seen) < 2 {
		select {
		case r := <-results:
			seen[r.Name] = r.Value == 0 && r.State == Up
		case <-time.After(patience):
			t.Fatalf("only %v is told of", seen)
		}
	}
}

// sleeper starts a process of its own name.
func sleeper(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("sleep")
	must(t, err)
	content, err := os.ReadFile(program)
	must(t, err)
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, content, 0o755))
	cmd := exec.Command(path, "1000")
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return cmd
}

func process(state State, count int, reason string) Result {
	return Result{Kind: Process, Name: "p", State: state, Value: count, Reason: reason}
}

func TestProcessesAreCounted(t *testing.T) {
	const name = "droversleeps" // not more than the kernel keeps
	tracker, results := newWatch(t)
	options := ProcessOptions{Name: "p", Command: []string{name}, Minimum: 2, Maximum: math.MaxInt}
	must(t, tracker.Update(Options{Processes: []ProcessOptions{options}}))
	await(t, results, process(Down, 0, "0 of droversleeps run, want 2"))
	sleeper(t, name)
	second := sleeper(t, name)
	await(t, results, process(Up, 2, ""))
	must(t, second.Process.Kill()) // not reaped yet: a zombie does not count
	await(t, results, process(Down, 1, "1 of droversleeps run, want 2"))
}

func TestTheEndOfAProcessIsHeardOfAtOnce(t *testing.T) {
	cmd := sleeper(t, "droverends")
	exits := newExitWatch()
	defer exits.close()
	exits.watch([]int{cmd.Process.Pid})
	select {
	case <-exits.heard:
		t.Fatal("told of the end of a process that runs")
	default:
	}
	must(t, cmd.Process.Kill())
	select {
	case <-exits.heard:
	case <-time.After(patience):
		t.Fatal("not told of the end of a process")
	}
	exits.watch(nil)
	if len(exits.files) != 0 {
		t.Errorf("%d processes are waited for, want none", len(exits.files))
	}
}

func TestTheProcessTable(t *testing.T) {
	directory := t.TempDir()
	for pid, p := range map[string]struct{ comm, stat, cmdline string }{
		"1":    {"web\n", "1 (web) S 0", "/bin/web\x00-c\x00\x00"},
		"2":    {"web\n", "2 (web) Z 1", ""},
		"3":    {"a) Z (b\n", "3 (a) Z (b) R 1", "x\x00"},
		"self": {"web\n", "1 (web) S 0", ""},
	} {
		must(t, os.Mkdir(filepath.Join(directory, pid), 0o755))
		put(t, filepath.Join(directory, pid, "comm"), p.comm)
		put(t, filepath.Join(directory, pid, "stat"), p.stat)
		put(t, filepath.Join(directory, pid, "cmdline"), p.cmdline)
	}
	must(t, os.Mkdir(filepath.Join(directory, "4"), 0o755)) // gone while it is looked at
	for name, test := range map[string]struct {
		options ProcessOptions
		want    int
	}{
		"by name, without zombies":      {ProcessOptions{Command: []string{"web"}}, 1},
		"a name that looks like others": {ProcessOptions{Command: []string{"a) Z (b"}}, 1},
		"an empty parameter is one": {
			ProcessOptions{Command: []string{"/bin/web", "-c", ""}, Parameters: ExactParameters}, 1,
		},
		"none": {ProcessOptions{Command: []string{"other"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := newProcessTable(directory).matching(test.options, false)
			if err != nil || len(found) != test.want {
				t.Errorf("found %v, %v, want %d", found, err, test.want)
			}
		})
	}
	if _, err := newProcessTable(filepath.Join(directory, "none")).matching(ProcessOptions{Command: []string{"x"}}, false); err == nil {
		t.Error("no error without a table")
	}
}
