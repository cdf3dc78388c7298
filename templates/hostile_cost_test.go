package templates_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// forever runs a step ten thousand million times.
func forever(setup, step string) string {
	return setup + "{% for i in range(100000) %}{% for j in range(100000) %}" + step + "{% endfor %}{% endfor %}"
}

// costlyTemplates repeat what is slow in itself.
func costlyTemplates() map[string]string {
	return map[string]string{
		"startswith":      forever("{% set l = (['a']*100000) %}{% set tt = ('b',)*100000 %}", "{% set n = 'c'.startswith(tt) %}"),
		"bigdiv":          forever("{% set a = 7**20000 %}{% set b = 3**9000 %}", "{% set n = a//b %}"),
		"bigpow":          forever("{% set a = 7 %}", "{% set n = a**20000 %}"),
		"bigstr":          forever("{% set a = 7**5000 %}", "{% set n = a|string %}"),
		"bighash":         forever("{% set a = 7**20000 %}{% set d = {a: 1} %}", "{% set n = d[a] %}"),
		"parseint":        forever("{% set a = '9'*4300 %}", "{% set n = a|int %}"),
		"parseint long":   forever("{% set a = '1'*10**7 %}", "{% set n = a|int %}"),
		"unique":          forever("{% set a = range(100000)|list %}", "{% set n = a|unique|list %}"),
		"groupby":         forever("{% set a = [{'a':1}]*100000 %}", "{% set n = a|groupby('a') %}"),
		"count":           forever("{% set a = 'a'*10**6 %}{% set b = 'a'*5*10**5 ~ 'b' %}", "{% set n = a.count(b) %}"),
		"rfind":           forever("{% set a = 'a'*10**6 %}{% set b = 'b' ~ 'a'*5*10**5 %}", "{% set n = a.rfind(b) %}"),
		"split":           forever("{% set a = 'a '*10**6 %}", "{% set n = a.split() %}"),
		"splitlines":      forever("{% set a = 'a\n'*10**6 %}", "{% set n = a.splitlines() %}"),
		"format":          forever("{% set a = '{}'*10**5 %}", "{% set n = a.format(*range(100000)) %}"),
		"percent":         forever("{% set a = '%%'*10**6 %}", "{% set n = a % () %}"),
		"slice rev":       forever("{% set a = 'é'*10**6 %}", "{% set n = a[::-1] %}"),
		"list in":         forever("{% set a = range(100000)|list %}", "{% set n = 'x' in a %}"),
		"min":             forever("{% set a = range(100000)|list %}", "{% set n = a|min %}"),
		"title":           forever("{% set a = 'ab '*10**6 %}", "{% set n = a|title %}"),
		"piecewise":       forever("{% set ns = namespace(s='') %}", "{% set ns.s = ns.s ~ 'abcdefgh' %}"),
		"two piecewise":   forever("{% set ns = namespace(s='a'*10000, t='b'*10000) %}", "{% set ns.s = ns.s ~ 'abcdefgh' %}{% set ns.t = ns.t ~ 'abcdefgh' %}"),
		"keep":            forever("{% set ns = namespace(s='a'*10**6, l=[]) %}", "{% set ns.l = ns.l + [ns.s ~ i] %}"),
		"tojson":          forever("{% set a = 'é\"'*10**6 %}", "{% set n = a|tojson %}"),
		"escape":          forever("{% set a = '<'*10**6 %}", "{% set n = a|e %}"),
		"striptags":       forever("{% set a = '<'*10**6 %}", "{% set n = a|striptags %}"),
		"wordwrap":        forever("{% set a = 'a'*10**6 %}", "{% set n = a|wordwrap(3) %}"),
		"truncate":        forever("{% set a = 'a '*10**6 %}", "{% set n = a|truncate(100000) %}"),
		"round":           forever("", "{% set n = 1.5|round(10**9) %}"),
		"call star":       forever("{% set a = range(100000)|list %}", "{% set n = '{}'.format(*a) %}"),
		"nested fmt spec": "{{ '{:{}{}{}{}}'.format(1, *range(100)) }}" + forever("", "{% set n='{:{w}}'.format('a', w=100000) %}"),
		"sort strings":    forever("{% set a = ('é'*1000 ~ 'a', 'é'*1000 ~ 'b')*1000 %}", "{% set n = a|sort %}"),
		"cmp strings":     forever("{% set a = 'é'*10**6 ~ 'a' %}{% set b = 'é'*10**6 ~ 'b' %}", "{% set n = a < b %}"),
	}
}

// TestCostlyOperations holds that the limits on steps and time end what is slow,
// and that no operation goes on for long beyond them.
func TestCostlyOperations(t *testing.T) {
	if testing.Short() {
		t.Skip("each of them runs until its limit")
	}
	for name, src := range costlyTemplates() {
		t.Run(name, func(t *testing.T) {
			tmpl, err := templates.Compile(src, templates.WithLimits(templates.Limits{Time: 50 * time.Millisecond}))
			require.NoError(t, err)
			start := time.Now()
			_, err = tmpl.Execute(nil)
			require.ErrorIs(t, err, templates.ErrLimit)
			require.Less(t, time.Since(start), 10*time.Second)
		})
	}
}

// TestLongTextsTakeLinearTime holds that what looks quadratic is not: each of these
// would take hours.
func TestLongTextsTakeLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("the texts have millions of characters")
	}
	for name, src := range map[string]string{
		"strip":          "{{ ('é' * 10**6).strip('ü' * 10**6 ~ 'é')|length }}",
		"trim":           "{{ ('é' * 10**6)|trim('ü' * 10**6 ~ 'é')|length }}",
		"striptags":      "{{ ('<a'*10**6)|striptags|length }}",
		"wordwrap":       "{{ ('a'*10**6)|wordwrap(3)|length }}",
		"piece by piece": "{% set ns = namespace(s='') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ 'abcdefgh' %}{% endfor %}{{ ns.s|length }}",
		"added":          "{% set ns = namespace(s='') %}{% for i in range(99999) %}{% set ns.s = ns.s + 'abcdefgh' %}{% endfor %}{{ ns.s|length }}",
	} {
		start := time.Now()
		_, err := execute(src, templates.NewDict())
		require.NoError(t, err, name)
		require.Less(t, time.Since(start), 10*time.Second, name)
	}
}

// TestGrowingTextsStayWhole holds that a text to which two others were added is
// still itself.
func TestGrowingTextsStayWhole(t *testing.T) {
	got, err := execute("{% set a = 'x' * 2000 ~ 'a' %}{% set b = a ~ 'b' %}{% set c = a ~ 'c' %}{% set d = b + 'd' %}{% set e = b ~ 'e' %}"+
		"{{ a[1999:] }} {{ b[1999:] }} {{ c[1999:] }} {{ d[1999:] }} {{ e[1999:] }}", templates.NewDict())
	require.NoError(t, err)
	require.Equal(t, "xa xab xac xabd xabe", got)
}
