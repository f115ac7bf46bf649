package testbed

import "net"

// MAC is a 48-bit hardware address that can be compared and used as a map key.
type MAC [6]byte

// Broadcast is the address of all stations of the LAN.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// HardwareAddr returns the address as package net has it.
func (m MAC) HardwareAddr() net.HardwareAddr { return m[:] }

// String formats the address as 00:0d:b9:41:e5:40.
func (m MAC) String() string { return m.HardwareAddr().String() }
