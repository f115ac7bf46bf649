package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// linkTimeout bounds the wait for an interface to report its carrier.
const linkTimeout = 5 * time.Second

// A cable is a veth pair from a host to a port of the switch. The port is down while the cable is pulled: the host
// sees the carrier go.
type cable struct {
	sw     *Switch
	host   *netlink.Handle // speaks to the host's network
	ifname string          // the host's end
	name   string          // the switch's end
	bridge netlink.Link    // the LAN
	port   netlink.Link    // name's link, nil before it is laid
	gap    *breakpoint     // where it can be cut, nil before it is laid
}

// connect makes the host's cables, configures its ends of them and plugs them in.
func (sw *Switch) connect(spec HostSpec, host *os.File) (cables []*cable, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(cables))
			cables = nil
		}
	}()
	for n, port := range spec.ports() {
		bridge, err := sw.lan(port.LAN)
		if err != nil {
			return cables, err
		}
		handle, err := netlink.NewHandleAt(netns.NsHandle(host.Fd()))
		if err != nil {
			return cables, err
		}
		c := &cable{sw: sw, host: handle, ifname: port.Interface, name: portOnSwitch(spec.Name, n), bridge: bridge}
		cables = append(cables, c)
		if err := c.lay(spec.Name, port, host); err != nil {
			return cables, err
		}
	}
	if err := configureHost(spec, host); err != nil {
		return cables, err
	}
	for _, c := range cables {
		if err := c.plug(); err != nil {
			return cables, err
		}
	}
	return cables, nil
}

// lay makes the veth pair, inside the namespaces, and the switch's end of it ready.
func (c *cable) lay(hostName string, port Port, host *os.File) error {
	sw := c.sw
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = c.name, port.MTU // 0 leaves the MTU to the kernel
	veth := netlink.NewVeth(attrs)
	veth.PeerName = port.Interface
	veth.PeerHardwareAddr = port.MAC.HardwareAddr()
	veth.PeerNamespace = netlink.NsFd(host.Fd())
	if err := sw.handle.LinkAdd(veth); err != nil {
		return fmt.Errorf("add cable: %w", err)
	}
	c.port = veth
	sw.mu.Lock()
	sw.ports[veth.Attrs().Index] = source{hostName, port.LAN}
	sw.mu.Unlock()
	if err := sw.handle.LinkSetMaster(veth, c.bridge); err != nil {
		return fmt.Errorf("add port to the bridge: %w", err)
	}
	return sw.Do(func() error {
		// Merged segments would be more than one frame in the capture, and a VLAN tag beside the frame, which is where the
		// bridge has it, is out of an XDP program's sight.
		if err := disable(c.name, genericReceive, vlanInsert, vlanInsertAD); err != nil {
			return err
		}
		var err error
		c.gap, err = newBreakpoint(sw.handle, veth.Attrs().Index)
		return err
	})
}

// plug sets the port up and waits until frames pass: an end that has not noticed its carrier yet loses what it is to send.
func (c *cable) plug() error {
	if err := c.sw.handle.LinkSetUp(c.port); err != nil {
		return fmt.Errorf("plug %s: %w", c.name, err)
	}
	err := errors.Join(awaitCarrier(c.sw.handle, c.name, true), awaitCarrier(c.host, c.ifname, true))
	if err != nil {
		return fmt.Errorf("plug %s: %w", c.name, err)
	}
	return nil
}

func (c *cable) pull() error {
	if err := c.sw.handle.LinkSetDown(c.port); err != nil {
		return fmt.Errorf("pull %s: %w", c.name, err)
	}
	return nil
}

// cut drops all frames in both directions; the carrier stays.
func (c *cable) cut() error {
	if err := c.gap.set(true); err != nil {
		return fmt.Errorf("cut %s: %w", c.name, err)
	}
	return nil
}

func (c *cable) mend() error {
	if err := c.gap.set(false); err != nil {
		return fmt.Errorf("mend %s: %w", c.name, err)
	}
	return nil
}

// remove deletes both ends.
func (c *cable) remove() error {
	c.host.Close()
	var errs []error
	if c.gap != nil {
		errs = append(errs, c.gap.close())
	}
	if c.port != nil {
		if err := c.sw.handle.LinkDel(c.port); err != nil {
			errs = append(errs, fmt.Errorf("remove cable of %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func removeAll(cables []*cable) error {
	var errs []error
	for _, c := range cables {
		errs = append(errs, c.remove())
	}
	return errors.Join(errs...)
}

// Pull pulls the cable of the host's first interface out of the switch: the interface loses its carrier.
func (h *Host) Pull() error { return h.withCable("cable pulled", (*cable).pull) }

// Plug puts a pulled cable back. Frames pass when it returns.
func (h *Host) Plug() error { return h.withCable("cable plugged", (*cable).plug) }

// Cut makes the cable lose every frame in both directions while the host's interface keeps its carrier, like a broken
// switch in between.
func (h *Host) Cut() error { return h.withCable("cable cut", (*cable).cut) }

// Mend undoes Cut.
func (h *Host) Mend() error { return h.withCable("cable mended", (*cable).mend) }

func (h *Host) withCable(event string, f func(*cable) error) error {
	m := h.running()
	if m == nil {
		return fmt.Errorf("%s: %w", h.Name(), ErrHostOff)
	}
	if err := f(m.cables[0]); err != nil {
		return err
	}
	h.log.Debug(event)
	return nil
}

func carrier(handle *netlink.Handle, ifname string) (bool, error) {
	port, err := handle.LinkByName(ifname)
	if err != nil {
		return false, err
	}
	return port.Attrs().OperState == netlink.OperUp, nil
}

// awaitCarrier waits until the interface's carrier is as wanted. The kernel reports changes a moment later, from a
// work queue of its own.
func awaitCarrier(handle *netlink.Handle, ifname string, wanted bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), linkTimeout)
	defer cancel()
	return Until(ctx, func() (bool, error) {
		up, err := carrier(handle, ifname)
		return up == wanted, err
	})
}

// Until asks the condition every few milliseconds until it holds, fails, or ctx ends.
func Until(ctx context.Context, condition func() (bool, error)) error {
	const pause = 5 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for a condition: %w", ctx.Err())
		}
	}
}
