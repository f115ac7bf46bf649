package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// assist runs this executable as a process that measures, with a variable that says what it is to do and with files, which
// it closes, until ctx ends. What the process writes to its standard output is given to heed, if that is not nil.
//
// What is to keep its time is a process of its own, which does nothing else. The threads of a Go process wait for each other,
// for a processor of the runtime and for its locks. In the process of the benchmark, whose other threads have no real-time
// priority, a thread that is to come first waited for those up to 200 ms now and then, or span meanwhile and kept the
// processor from a daemon. For the same reason all threads of such a process have the priority.
func assist(ctx context.Context, processors share, variable string, files []*os.File, heed func(io.Reader) error) error {
	process, err := processors.again(context.WithoutCancel(ctx), firstPriority, variable)
	if err != nil {
		return errors.Join(err, closeFiles(files))
	}
	process.ExtraFiles = files
	alive, err := process.StdinPipe()
	if err != nil {
		return errors.Join(err, closeFiles(files))
	}
	var output io.ReadCloser
	if heed != nil {
		if output, err = process.StdoutPipe(); err != nil {
			return errors.Join(err, closeFiles(files))
		}
	}
	err = process.Start()
	if err := errors.Join(err, closeFiles(files)); err != nil { // the process has its own
		return fmt.Errorf("start a process that measures: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		var err error
		if heed != nil {
			err = errors.Join(heed(output), output.Close()) // if not to its end, so that the process ends
		}
		ended <- errors.Join(err, process.Wait())
	}()
	select {
	case <-ctx.Done():
		return errors.Join(alive.Close(), <-ended)
	case err := <-ended:
		return errors.Join(errors.New("a process that measures has ended before the benchmark"), err)
	}
}

func closeFiles(files []*os.File) (err error) {
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// endAssistant ends such a process.
func endAssistant(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// passedSockets are the sockets that such a process was given, and what can be read when it is to end. It is made ready to
// keep its time.
func passedSockets(count int) (all []*stampedSocket, end *stampedSocket, err error) {
	const input, firstExtraFile = 0, 3
	debug.SetGCPercent(-1) // it lives for a repetition
	runtime.LockOSThread()
	for n := range count {
		all = append(all, &stampedSocket{fd: firstExtraFile + n})
	}
	end = &stampedSocket{fd: input}
	for _, s := range append([]*stampedSocket{end}, all...) {
		err = errors.Join(err, os.NewSyscallError("fcntl", unix.SetNonblock(s.fd, true)))
	}
	return all, end, err
}

// isOver tells whether the other end was closed.
func (s *stampedSocket) isOver() bool {
	var told [1]byte
	n, err := unix.Read(s.fd, told[:])
	return n == 0 && err == nil
}
