package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// fieldPaths returns the paths of all plain values below a value, such as
// Instances[0].Priority. Positions are left out.
func fieldPaths(v reflect.Value, path string) []string {
	switch v.Interface().(type) {
	case Position:
		return nil
	case netip.Addr, netip.AddrPort, netip.Prefix, net.HardwareAddr, []byte:
		return []string{path}
	}
	var all []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			all = fieldPaths(v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, fieldPaths(v.Index(i), fmt.Sprintf("%s.%d", path, i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				all = append(all, fieldPaths(v.Field(i), path+"."+field.Name)...)
			}
		}
	default:
		all = []string{path}
	}
	return all
}

// valueAt returns the value at a path.
func valueAt(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if i, err := strconv.Atoi(name); err == nil {
			v = v.Index(i)
		} else {
			v = v.FieldByName(name)
		}
	}
	return v
}

// change gives a value another value.
func change(v reflect.Value) {
	switch value := v.Interface().(type) {
	case netip.Addr:
		if !value.IsValid() {
			value = netip.MustParseAddr("10.9.8.7")
		}
		v.Set(reflect.ValueOf(value.Next()))
		return
	case netip.AddrPort:
		if !value.IsValid() {
			value = netip.MustParseAddrPort("10.9.8.7:7")
		}
		v.Set(reflect.ValueOf(netip.AddrPortFrom(value.Addr().Next(), value.Port()+1)))
		return
	case netip.Prefix:
		if !value.IsValid() {
			value = netip.MustParsePrefix("10.9.8.0/24")
		}
		v.Set(reflect.ValueOf(netip.PrefixFrom(value.Addr().Next(), value.Bits())))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Slice:
		bytes := append([]byte{}, v.Bytes()...)
		if len(bytes) == 0 {
			bytes = []byte{0, 1}
		}
		bytes[0] ^= 0xf0
		v.SetBytes(bytes)
	default:
		panic("cannot change a " + v.Type().String())
	}
}
