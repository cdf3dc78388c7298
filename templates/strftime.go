package templates

import (
	"fmt"
	"strings"
	"time"
)

func globalStrftime(m *machine, a []Value) (Value, error) {
	layout, ok := asText(a[0])
	if !ok {
		return nil, errf("strftime() argument 1 must be str, not %s", a[0].typeName())
	}
	if len(layout) > 1<<16 {
		return nil, limitf("strftime format of %d bytes", len(layout))
	}
	return str(strftime(m.t.cfg.now(), layout)), m.charge(len(layout))
}

// strftime formats t as C's strftime does in the C locale. The time has no
// zone there, as with Python's datetime.now(). Unknown directives stay as
// they are.
func strftime(t time.Time, layout string) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		flag := byte(0)
		if strings.IndexByte("-_0^#", layout[i]) >= 0 && i+1 < len(layout) {
			flag = layout[i]
			i++
		}
		text, ok := directive(t, layout[i])
		if !ok {
			b.WriteByte('%')
			if flag != 0 {
				b.WriteByte(flag)
			}
			b.WriteByte(layout[i])
			continue
		}
		b.WriteString(flagged(text, flag))
	}
	return b.String()
}

// flagged applies one of the GNU flags: no padding, blanks, zeros, upper case.
func flagged(s string, flag byte) string {
	switch flag {
	case '-', '_':
		rest := strings.TrimLeft(s, "0 ")
		if rest == "" || rest[0] < '0' || rest[0] > '9' {
			if s == "" || s[0] != '0' && s[0] != ' ' {
				return s
			}
			rest = s[len(s)-1:]
		}
		if flag == '_' {
			return strings.Repeat(" ", len(s)-len(rest)) + rest
		}
		return rest
	case '0':
		return strings.ReplaceAll(s, " ", "0")
	case '^':
		return strings.ToUpper(s)
	}
	return s
}

func directive(t time.Time, c byte) (string, bool) {
	if layout, ok := goLayouts[c]; ok {
		return t.Format(layout), true
	}
	year, week := t.ISOWeek()
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'Y':
		return fmt.Sprint(t.Year()), true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'g':
		return fmt.Sprintf("%02d", year%100), true
	case 'G':
		return fmt.Sprint(year), true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'P':
		return strings.ToLower(t.Format("PM")), true
	case 's':
		return fmt.Sprint(t.Unix()), true
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), true
	case 'V':
		return fmt.Sprintf("%02d", week), true
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	case 'z', 'Z':
		return "", true
	}
	return "", false
}

// goLayouts are the directives that Go's time.Format knows.
var goLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2", 'F': "2006-01-02",
	'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06",
}
