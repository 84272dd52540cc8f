package esign

import "unsafe"

// addressOf is where a page lies, to find it in the kernel's list.
func addressOf(page []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(page))) }
