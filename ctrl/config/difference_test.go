package config

import (
	"fmt"
	"reflect"
)

// difference tells where two values of one type differ first; empty if nowhere.
// Positions do not count.
func difference(got, want any) string {
	return differenceAt("", reflect.ValueOf(got), reflect.ValueOf(want))
}

func differenceAt(path string, got, want reflect.Value) string {
	if got.IsValid() != want.IsValid() || got.IsValid() && got.Type() != want.Type() {
		return fmt.Sprintf("%s: got %v, want %v", path, got, want)
	}
	if !got.IsValid() || got.Type() == reflect.TypeFor[Position]() {
		return ""
	}
	switch got.Kind() {
	case reflect.Pointer, reflect.Interface:
		if got.IsNil() != want.IsNil() {
			return fmt.Sprintf("%s: got nil: %v, want nil: %v", path, got.IsNil(), want.IsNil())
		}
		if !got.IsNil() {
			return differenceAt(path, got.Elem(), want.Elem())
		}
		return ""
	case reflect.Slice:
		for i := range min(got.Len(), want.Len()) {
			if d := differenceAt(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i)); d != "" {
				return d
			}
		}
		if got.Len() != want.Len() {
			return fmt.Sprintf("%s: got %d, want %d", path, got.Len(), want.Len())
		}
		return ""
	case reflect.Struct:
		if hasExported(got.Type()) {
			for i := range got.NumField() {
				if field := got.Type().Field(i); field.IsExported() {
					if d := differenceAt(path+"."+field.Name, got.Field(i), want.Field(i)); d != "" {
						return d
					}
				}
			}
			return ""
		}
	}
	if !reflect.DeepEqual(got.Interface(), want.Interface()) {
		return fmt.Sprintf("%s: got %v, want %v", path, got, want)
	}
	return ""
}

// hasExported reports whether the fields of a struct can be compared one by one.
func hasExported(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			return true
		}
	}
	return false
}
