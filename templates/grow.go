package templates

import "strings"

// growFrom is the size in bytes from which on a sum of texts is built to grow.
const growFrom = 1 << 10

// join adds r to l. Templates build long texts piece by piece, as in
// ns.out = ns.out ~ piece: where l is what was joined last, only r is copied
// and paid for, so that such a text takes linear time, not quadratic. Nobody
// sees the bytes beyond the end of a text, so l stays as it is.
func (m *machine) join(l, r string) (string, error) {
	n := len(l) + len(r)
	if n < growFrom {
		return l + r, m.room(n)
	}
	if b := m.joined; b != nil && b.Len() == len(l) && b.String() == l {
		if err := m.fits(n); err != nil {
			return "", err
		}
		b.WriteString(r)
		return b.String(), m.charge(1 + len(r)>>4)
	}
	if err := m.room(n); err != nil {
		return "", err
	}
	m.joined = new(strings.Builder)
	m.joined.WriteString(l)
	m.joined.WriteString(r)
	return m.joined.String(), nil
}
