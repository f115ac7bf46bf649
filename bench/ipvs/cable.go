package ipvs

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cable is a veth pair: the near end is the clients' and real servers', the far end the balancer's.
type cable struct {
	near, far           string
	nearIndex, farIndex int
}

func newCable(balancer string) (cable, error) {
	c := cable{near: "near-" + balancer, far: "far-" + balancer}
	if err := ip(
		fmt.Sprintf("link add %s address %s type veth peer name %s address %s", c.near, clientMAC(), c.far, balancerMAC()),
		"link set "+c.near+" up",
		"link set "+c.far+" up",
	); err != nil {
		return cable{}, err
	}
	for end, index := range map[string]*int{c.near: &c.nearIndex, c.far: &c.farIndex} {
		i, err := net.InterfaceByName(end)
		if err != nil {
			return cable{}, fmt.Errorf("interface %s: %w", end, err)
		}
		*index = i.Index
	}
	return c, nil
}

// ip has ip(8) do the commands.
func ip(commands ...string) error { return feed(strings.Join(commands, "\n"), "ip", "-batch", "-") }

// feed runs a command with the input.
func feed(input, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return nil
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct {
	command uint32
	data    uint32
}

// ethtoolRequest is struct ifreq with ifr_data.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte // struct ifreq is larger than what SIOCETHTOOL uses of it
}

// receiveInBatches turns generic receive offload on, as NICs have it. A veth without XDP then polls for frames as they
// do; else it takes no frames that are not socket buffers yet.
func receiveInBatches(ifname string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := ethtoolValue{command: unix.ETHTOOL_SGRO, data: 1}
	request := ethtoolRequest{data: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], ifname)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("turn on generic receive offload of %s: %w", ifname, errno)
	}
	return nil
}
