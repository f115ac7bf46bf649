package dataplane

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Mode is how the program sits in the receive path.
type Mode string

// Modes of XDP.
const (
	ModeAuto    Mode = "auto"    // native where the driver can, else generic
	ModeNative  Mode = "native"  // in the driver
	ModeGeneric Mode = "generic" // in the stack, after the kernel has built a socket buffer: works everywhere, slower
)

// ErrBusy says that another XDP program holds the interface.
var ErrBusy = errors.New("another XDP program is attached (bpftool net shows which)")

// ErrNoNative says that the driver cannot run XDP programs with the interface as it is set up.
var ErrNoNative = errors.New("the driver does not run XDP programs natively on this interface")

// Attachment is the program on one interface.
type Attachment struct {
	Interface string
	Mode      Mode // ModeNative or ModeGeneric
	ProgramID uint32
	Severed   bool // the program is not on the interface any more: it was taken off, or the interface is gone
}

type attachment struct {
	link    link.Link
	pin     string
	mode    Mode
	ifindex int
	on      Interface // zero while it has an earlier process's program
}

// Interface is what the program must know of where it is attached.
type Interface struct {
	Name  string
	Index int
	MAC   MAC // its own; packets for others are left alone
	// VirtualRouters are those whose MAC addresses are the interface's, too (use_vmac). Packets for them are balanced as if
	// they were for MAC, and leave from MAC.
	VirtualRouters VirtualRouters
	MTU            int // of IP packets, in bytes; longer ones are dropped
	// Port is the interface in [Tables]: real servers behind it are sent to without a detour. Zero if there are no others.
	Port PortID
}

// linkDir holds one directory per interface, and in it the pinned link, named by its mode.
const linkDir = "links"

// linkPin is where the link of an interface is pinned. A BPF file system has no dots in names.
func (d *DataPlane) linkPin(ifname string, mode Mode) string {
	return filepath.Join(d.dir, linkDir, strings.ReplaceAll(ifname, ".", ","), string(mode))
}

// findLinks opens the pinned links, so that Remove knows them even when they are not attached again.
func (d *DataPlane) findLinks() error {
	pins, err := filepath.Glob(filepath.Join(d.dir, linkDir, "*", "*"))
	if err != nil {
		return fmt.Errorf("list the pinned links: %w", err)
	}
	for _, pin := range pins {
		l, err := link.LoadPinnedLink(pin, nil)
		if err != nil {
			return fmt.Errorf("open the pinned link %s: %w", pin, err)
		}
		info, err := l.Info()
		if err != nil {
			return errors.Join(fmt.Errorf("read the pinned link %s: %w", pin, err), l.Close())
		}
		a := &attachment{link: l, pin: pin, mode: Mode(filepath.Base(pin))}
		if xdp := info.XDP(); xdp != nil {
			a.ifindex = int(xdp.Ifindex)
		}
		d.links[strings.ReplaceAll(filepath.Base(filepath.Dir(pin)), ",", ".")] = a
	}
	return nil
}

// Attach puts the program on an interface, or a new program in the place of the one that is there already; that does
// not lose a packet, whereas a first attachment makes some drivers restart the link. In ModeAuto the caller should tell
// the operator when the outcome is generic.
//
// Errors: ErrBusy, ErrNoNative in ModeNative, or the verifier's log.
func (d *DataPlane) Attach(on Interface, mode Mode) (Attachment, error) {
	a, err := d.attach(on, mode)
	if err != nil {
		return Attachment{}, fmt.Errorf("attach %s: %w", on.Name, err)
	}
	return a, nil
}

func (d *DataPlane) attach(on Interface, mode Mode) (Attachment, error) {
	if _, err := net.InterfaceByIndex(on.Index); err != nil { // else the kernel says only that something is invalid
		return Attachment{}, err
	}
	if there := d.links[on.Name]; there != nil {
		before, err := d.attachment(on.Name)
		if err != nil {
			return Attachment{}, err
		}
		if !before.Severed && there.ifindex == on.Index && (mode == ModeAuto || mode == there.mode) {
			if err := d.replace(there, on); err != nil {
				return Attachment{}, err
			}
			return d.attachment(on.Name)
		}
		if err := d.Detach(on.Name); err != nil {
			return Attachment{}, err
		}
	}
	program, err := d.loadProgram(on)
	if err != nil {
		return Attachment{}, err
	}
	defer program.Close() // the link holds it
	modes := []Mode{mode}
	if mode == ModeAuto {
		modes = []Mode{ModeNative, ModeGeneric}
	}
	for _, m := range modes {
		err = d.attachNew(on, program, m)
		if err == nil {
			return d.attachment(on.Name)
		}
		if !errors.Is(err, ErrNoNative) {
			break
		}
	}
	return Attachment{}, err
}

// replace puts a new program in the place of the one that is attached.
func (d *DataPlane) replace(a *attachment, on Interface) error {
	program, err := d.loadProgram(on)
	if err != nil {
		return err
	}
	defer program.Close() // the link holds it
	isEarlier := a.on == (Interface{})
	if err := a.update(program, on); err != nil {
		return err
	}
	if isEarlier { // what its program has written to a table since that was replaced moves, too
		d.growing.Lock() // a sweep that is under way may be past it
		defer d.growing.Unlock()
		d.moved.Store(false)
	}
	return nil
}

// update has the link run another program, which was loaded for the interface as it is now.
func (a *attachment) update(program *ebpf.Program, on Interface) error {
	if err := a.link.Update(program); err != nil {
		return fmt.Errorf("replace the program: %w", err)
	}
	a.on = on
	return nil
}

func (d *DataPlane) attachNew(on Interface, program *ebpf.Program, mode Mode) error {
	flags := map[Mode]link.XDPAttachFlags{ModeNative: link.XDPDriverMode, ModeGeneric: link.XDPGenericMode}[mode]
	if flags == 0 {
		return fmt.Errorf("unknown XDP mode %q: native, generic or auto", mode)
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: on.Index, Flags: flags})
	switch {
	case errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST):
		return ErrBusy
	case err != nil && mode == ModeNative:
		return fmt.Errorf("%w: %v", ErrNoNative, err)
	case err != nil:
		return err
	}
	pin := d.linkPin(on.Name, mode)
	if err := os.MkdirAll(filepath.Dir(pin), 0o700); err != nil {
		return errors.Join(fmt.Errorf("create a directory for the pinned link: %w", err), l.Close())
	}
	if err := l.Pin(pin); err != nil {
		return errors.Join(fmt.Errorf("pin the link: %w", err), l.Close())
	}
	d.links[on.Name] = &attachment{link: l, pin: pin, mode: mode, ifindex: on.Index, on: on}
	return nil
}

// Detach takes the program off an interface; one without it is no error.
func (d *DataPlane) Detach(ifname string) error {
	a := d.links[ifname]
	if a == nil {
		return nil
	}
	delete(d.links, ifname)
	err := errors.Join(removeIfThere(a.pin), removeIfThere(filepath.Dir(a.pin)), a.link.Close())
	if err != nil {
		return fmt.Errorf("detach %s: %w", ifname, err)
	}
	return nil
}

// Attachments lists where the program sits.
func (d *DataPlane) Attachments() ([]Attachment, error) {
	var all []Attachment
	for ifname := range d.links {
		a, err := d.attachment(ifname)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (d *DataPlane) attachment(ifname string) (Attachment, error) {
	a := d.links[ifname]
	info, err := a.link.Info()
	if err != nil {
		return Attachment{}, fmt.Errorf("read the XDP link of %s: %w", ifname, err)
	}
	xdp := info.XDP()
	return Attachment{
		Interface: ifname, Mode: a.mode, ProgramID: uint32(info.Program), Severed: xdp == nil || xdp.Ifindex == 0,
	}, nil
}

// ProgramName asks the kernel for the name of a BPF program, as bpftool prog shows it: at most 15 bytes. Needs
// CAP_SYS_ADMIN.
func ProgramName(id uint32) (string, error) {
	program, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return "", fmt.Errorf("look at BPF program %d: %w", id, err)
	}
	info, err := program.Info()
	if err != nil {
		return "", errors.Join(fmt.Errorf("look at BPF program %d: %w", id, err), program.Close())
	}
	return info.Name, program.Close()
}
