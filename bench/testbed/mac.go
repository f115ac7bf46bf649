package testbed

import (
	"fmt"
	"net"
)

// MAC is a 48-bit hardware address that can be compared and used as a map key.
type MAC [6]byte

// Broadcast is the address of all stations of the LAN.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ParseMAC reads an address in the form 00:0d:b9:41:e5:40.
func ParseMAC(text string) (MAC, error) {
	address, err := net.ParseMAC(text)
	if err != nil {
		return MAC{}, err
	}
	if len(address) != len(MAC{}) {
		return MAC{}, fmt.Errorf("parse MAC %s: not 48 bits", text)
	}
	return MAC(address), nil
}

// HardwareAddr returns the address as package net has it.
func (m MAC) HardwareAddr() net.HardwareAddr { return m[:] }

// String formats the address as 00:0d:b9:41:e5:40.
func (m MAC) String() string { return m.HardwareAddr().String() }
