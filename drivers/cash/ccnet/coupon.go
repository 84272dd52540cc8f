package ccnet

import "github.com/asan-kiosk/kiosk/drivers/cash"

// couponMask is the coupon's bit in a mask of 24 types.
const couponMask Mask = 1 << barcodeType

// isCoupon reports whether the bill type is the coupon: its place in a table of
// 24, and a note in no table that is known.
func (m *Machine) isCoupon(typ int) bool {
	if typ != barcodeType || m.unit.maskSize != maskBytes {
		return false
	}
	_, isNote := m.unit.table.Lookup(typ)
	return !isNote
}

// couponBit is what ENABLE BILL TYPES adds to the types of a till that takes
// notes: the coupon, where the unit has been told what its barcode is like.
func (m *Machine) couponBit() Mask {
	if m.cfg.CouponLength == 0 || !m.set.barcode || !m.isCoupon(barcodeType) {
		return 0
	}
	return couponMask
}

// readCoupon asks what the coupon in escrow says.
func (m *Machine) readCoupon() {
	if m.unsupportedBy(cmdExtractBarcode) || m.unit.failed[cmdExtractBarcode] >= optionalMax {
		m.sayCoupon("")
		m.poll()
		return
	}
	m.request(cmdExtractBarcode)
}

// couponRead takes what the coupon says. One whose barcode the unit does not
// tell is a coupon all the same.
func (m *Machine) couponRead(r result, data []byte) {
	n := m.note
	waits := n != nil && n.coupon && !n.told && n.phase == phaseEscrow
	m.link.unsure = r != resultAccepted
	switch {
	case r == resultAccepted:
		m.unit.failed[cmdExtractBarcode] = 0
		if waits {
			m.sayCoupon(m.digits(data))
		}
	case r == resultIllegal && waits:
		// Legal in escrow only (section 6): it may have left it. Where it has not, it
		// is told without its digits.
		m.unit.failed[cmdExtractBarcode] = optionalMax
	default:
		m.unit.failed[cmdExtractBarcode]++
	}
}

// sayCoupon tells the till of the coupon in escrow.
func (m *Machine) sayCoupon(digits string) {
	n := m.note
	n.told, n.id = true, m.newID()
	m.unit.failed[cmdExtractBarcode] = 0
	m.emit(cash.Coupon{ID: n.id, Digits: digits, Found: n.found, Raw: n.raw})
}

// digits is the barcode's content if it is what interleaved 2 of 5 can carry:
// decimal digits. Anything else is not passed on.
func (m *Machine) digits(data []byte) string {
	s := printable(data)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			m.remark("a coupon's barcode is not made of digits")
			return ""
		}
	}
	return s[:min(len(s), cash.CouponDigitsMax)]
}
