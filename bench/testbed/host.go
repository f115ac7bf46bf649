package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrHostOff is returned by what needs a running host.
var ErrHostOff = errors.New("the host is off")

// A Host is a machine of the lab. Its methods may be called from several goroutines.
type Host struct {
	lab *Lab
	log *slog.Logger

	power sync.Mutex // serializes PowerOn and PowerOff; protects spec.Files
	spec  HostSpec   // the rest of it does not change

	mu  sync.Mutex
	run *machine // nil while the host is off; protects its cmds
}

// machine is a host between PowerOn and PowerOff.
type machine struct {
	init    *exec.Cmd
	control *os.File // closing it ends the init
	ns      *Namespaces
	cables  []*cable
	cmds    []*Cmd // started and not waited for
}

// Name is the host name.
func (h *Host) Name() string { return h.spec.Name }

// MAC is the hardware address of the host's first interface.
func (h *Host) MAC() MAC { return h.spec.MAC }

// Interface is the name of the host's first interface.
func (h *Host) Interface() string { return h.spec.Interface }

// Address is the first address of the host's first interface, the zero Addr if it has none.
func (h *Host) Address() netip.Addr {
	if len(h.spec.Addresses) == 0 {
		return netip.Addr{}
	}
	return h.spec.Addresses[0].Addr()
}

// On reports whether the host runs.
func (h *Host) On() bool { return h.running() != nil }

func (h *Host) running() *machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

// PowerOn boots the host and plugs it in. A host that runs stays as it is.
func (h *Host) PowerOn() error {
	h.power.Lock()
	defer h.power.Unlock()
	if h.On() {
		return nil
	}
	m, err := h.boot()
	if err != nil {
		return fmt.Errorf("boot %s: %w", h.Name(), err)
	}
	h.mu.Lock()
	h.run = m
	h.mu.Unlock()
	h.log.Debug("host is up", "init", m.init.Process.Pid, "mac", h.MAC())
	return nil
}

func (h *Host) boot() (m *machine, err error) {
	m = &machine{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.stop(m))
		}
	}()
	if err := m.startInit(bootOrder{Hostname: h.Name(), Files: h.spec.Files}); err != nil {
		return m, err
	}
	init, err := identify(m.init.Process.Pid)
	if err != nil {
		return m, err
	}
	if err := h.lab.dir.recordInit(h.Name(), init); err != nil {
		return m, err
	}
	if m.ns, err = openNamespaces(init.PID); err != nil {
		return m, err
	}
	if m.cables, err = h.lab.sw.connect(h.spec, m.ns.network()); err != nil {
		return m, err
	}
	return m, nil
}

// startInit starts the first process of the host in new namespaces and waits until it has booted.
func (m *machine) startInit(order bootOrder) error {
	controlRead, controlWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	defer controlRead.Close()
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, controlWrite.Close())
	}
	defer reportRead.Close()
	m.control = controlWrite
	init := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{initName}, Dir: "/", Stderr: os.Stderr,
		ExtraFiles: []*os.File{controlRead, reportWrite},
		SysProcAttr: &unix.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
			Setsid:     true, // the terminal's Ctrl-C is for the owner
		},
	}
	err = init.Start()
	reportWrite.Close()
	if err != nil {
		return fmt.Errorf("start the init: %w", err)
	}
	m.init = init
	if err := json.NewEncoder(controlWrite).Encode(order); err != nil {
		return err
	}
	report, err := io.ReadAll(reportRead)
	if err != nil {
		return err
	}
	if len(report) > 0 {
		return errors.New(string(report))
	}
	return nil
}

// PowerOff is the power button: every process of the host ends at once, without a farewell, and the switch loses the
// carrier of its port. A host that is off stays so.
func (h *Host) PowerOff() error {
	h.power.Lock()
	defer h.power.Unlock()
	h.mu.Lock()
	m := h.run
	h.run = nil
	h.mu.Unlock()
	if m == nil {
		return nil
	}
	if err := h.stop(m); err != nil {
		return fmt.Errorf("turn off %s: %w", h.Name(), err)
	}
	h.log.Debug("host is down")
	return nil
}

// stop ends whatever of the machine was started.
func (h *Host) stop(m *machine) error {
	var errs []error
	if m.init != nil {
		errs = append(errs, m.init.Process.Kill())
		// The init is not gone before the children that were started from outside are waited for.
		for _, cmd := range h.started(m) {
			go cmd.Wait()
		}
		var killed *exec.ExitError
		if err := m.init.Wait(); !errors.As(err, &killed) {
			errs = append(errs, err)
		}
	}
	// Not before: a daemon must not see its interface go while it can still act.
	errs = append(errs, removeAll(m.cables))
	if m.control != nil {
		errs = append(errs, m.control.Close())
	}
	if m.ns != nil {
		errs = append(errs, m.ns.Close())
	}
	errs = append(errs, h.lab.dir.forgetInit(h.Name()))
	return errors.Join(errs...)
}

// Reboot turns the host off and on again. It comes back as AddHost made it, with the files of WriteFile and nothing
// running.
func (h *Host) Reboot() error {
	if err := h.PowerOff(); err != nil {
		return err
	}
	return h.PowerOn()
}

// Do runs f on a thread inside the host's network namespace. Sockets that f opens belong to the host and stay usable
// afterwards; goroutines that f starts do not run in the namespace.
func (h *Host) Do(f func() error) error {
	m := h.running()
	if m == nil {
		return fmt.Errorf("%s: %w", h.Name(), ErrHostOff)
	}
	return inNetwork(m.ns.network(), f)
}

// WriteFile writes a file of the host, below /etc or /run. It is there again after a reboot.
func (h *Host) WriteFile(name, content string) error {
	if err := checkFileName(name); err != nil {
		return fmt.Errorf("%s: %w", h.Name(), err)
	}
	h.power.Lock() // a boot in progress would miss it
	defer h.power.Unlock()
	h.spec.Files[name] = content
	m := h.running()
	if m == nil {
		return nil
	}
	return m.ns.enter(func() error { return writeFile(name, content) })
}

// started returns the commands that nobody has waited for.
func (h *Host) started(m *machine) []*Cmd {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(m.cmds)
}
