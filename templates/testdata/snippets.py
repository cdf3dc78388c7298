"""Small templates that between them cover every feature of the language."""

# All characters that change into several when their case does, and some that fold in their own way.
SHARP = " ".join(c for c in map(chr, range(0x1FFFF)) if len(c.upper() + c.lower() + c.title()) > 3) + " ẞ ı ſ ς ᏸ ꭰ Ꭰ ǆ ǅ"

VARS = {
    "s": "Hello, World", "e": "", "u": "Grüße 你好 👩‍👩‍👧 ﬁ İSTANBUL ß", "n": 7, "neg": -7, "f": 2.5, "z": 0, "t": True, "no": None,
    "l": [3, 1, 2], "ll": [[1, 2], [3, 4]], "w": ["b", "A", "c", "a"], "d": {"b": 1, "a": 2, "items": 3, "C": None},
    "users": [{"name": "ann", "age": 30, "tags": ["x"]}, {"name": "Bob", "age": 25, "tags": []}, {"name": "cid", "age": 30}],
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}, {"role": "user", "content": "Bye"}],
    "deep": {"a": {"b": [{"c": "found"}]}}, "html": "<b>\"x\" & 'y'</b>", "ws": "  a b\t\nc  ", "big": 123456789012345678901234567890,
    "sharp": SHARP,
    "lines": "one\ntwo\r\nthree\n\nfour", "float0": 2.0, "mixed": [1, 1.0, True, "1", None, [1], {"k": (0)}],
}

# Literals, operators, subscripts, attributes and globals, one expression a line.
EXPR = r"""
1
2.0
1e3
1e16
1e15
1.5e-7
0.1+0.2
1e400
-1e400
123456789.123
100000000000000000.0
0.0001
0.00001
1_000
0x1F
0b101
0o17
1_0.0_1
5e-324
-0.0
1.0e+2

True
true
none
None
'a'
"b"
'a' 'b'
'\n\t\x41\u00e9\101\q\''
'é\é'
"it's"
'\\'
'\x4'
'\U0001F600'
'\U99999999'

[]
[1,]
[1, 'a', none, 2.0, true]
()
(1,)
(1, 2)
1, 2
{}
{'a': 1, 2: 'b', none: true, 1.5: []}
{'a': {'b': ['c']}}
{1: 'a', true: 'b', 1.0: 'c'}
{[]: 1}
{(1, 2): 3}

"it's"~''
["it's"]
['say "x"']
['both \' and "']
['\n\t\r\\\x00\x7f\u00e9\u200b\U0001F600']
[u]
['\xa0\xad']
[e]

1+2
1-2
2*3
7/2
6/2
7//2
-7//2
7//-2
7%3
-7%3
7%-3
7.5//2
-7.5//2
7.5%2
-7.5%2
2**10
2**-1
2**0.5
0**0
0.0**-1
2**100
2**1000
-2**2
2**3**2
10**20//3
10**20%7
-10**20//3
1/0
1//0
1%0
1.0/0
0.0//1
-0.0//1

9223372036854775807+1
-9223372036854775807-2
9223372036854775807*2
3037000500*3037000500
big+1
big-big
big//7
big%97
-big
+big
big/2
big*1.0
big==123456789012345678901234567890.0
big>1
2**70 == 2.0**70
2**53+1 == 2.0**53
10**5000

'a'+'b'
'a'*3
3*'a'
'a'*-1
'a'*2.0
[1]+[2]
[1]*2
2*[1,2]
(1,)+(2,)
(1,)*2
[1]+(2,)
'a'+1
1+'a'
none+1
true+true
true*2.5
'a'-'b'
{}+{}
-'a'
-true
+true
not 1
not ''
not none
- -1
-  (1)
+1.5

1==1.0
1==true
'1'==1
none==none
[1]==[1.0]
(1,)==[1]
{'a':1,'b':2}=={'b':2,'a':1}
1<2
'a'<'b'
[1,2]<[1,3]
(1,)<(1,2)
[]<[1]
1<'a'
none<1
none==0
1<2<3
1<3<2
3>2>1
1!=2!=3
1==1==1
'a'<'B'|nope==nope|nope==none
nope!=1
1.0<2
true<2
{}<{}

1 in [1,2]
1.0 in [1]
'a' in 'abc'
'' in ''
1 in 'a'
'a' in {'a':1}
'a' not in {'a':1}
1 in {1.0:0}
[] in {}
1 in 5
1 in none
'x' in nope
nope in [1]
nope in 'abc'
(1,2) in [(1,2)]
'é' in u
1 in range(3)
not 1 in [2]
1 in [[1]]
'role' in messages[0]

1 and 2
0 and 2
1 or 2
'' or 'x'
none or nope
nope and 1
not nope
1 if true else 2
1 if false
1 if false else 2 if false else 3
(1 if false) is defined
'a' if nope else 'b'
1 and 0 or 3
1 or nope.x
true and nope.x

'a'~1~none~2.0~true~[1]
1~2|nope~'x'
'a'~'b'*2
1+2~3
~1

s[0]
s[-1]
s[100]
s[1:3]
s[:-1]
s[::-1]
s[::2]
s[5:1]
s[10:]
s[-3:]
s[5:1:-1]
s[::0]
s['a':]
s[none:2]
u[0]
u[6:8]
u[-1]
u[::-1]
u[2:]
u[:4]
u[100:]
s[1.0]
s[true]
s[:9223372036854775807]
s[:10**30]
s[-10**30:]

l[0]
l[-1]
l[5]
l[1:]
l[::-1]
l[:]
(1,2,3)[1:]
range(10)[2:5]
range(10)[::-2]
range(10)[3]
range(10)[-1]
l.0
ll.1.0
l['x']
l[0,1]
d['b']
d['zz']
d['zz'] is defined
d[none]
d[[]]
l[none]
5[0]
none[0]
none.x
none.x.y
nope[0]|nope.x
nope['x']
nope[1:]
d[1:]

d.b
d.items
d['items']
d.C
d.a.b
d.a.b.c
d.keys()
d.values()
d.items()
d.get('b')
d.get('x')
d.get('x', 5)
d.get('x', default=5)
d.get()
d.get([])
d.copy()
d.pop('a')
d.update({})
d.clear()
d.setdefault('a')
d['pop']
d['keys']()
d.__class__
d.__class__.x
d.foo
s.upper
l.append(1)
l.append
l.append is defined
l.index(1)
l.index(9)
l.count(1)
l.copy()
(1,2).index(2)
(1,2).count(3)
[1,2,1].count(true)
[1].copy() == [1]
(1,).copy()
{}.fromkeys([1,2])
{}.fromkeys('ab', 0)
d.keys()|list
d|list

deep.a.b[0].c
deep['a']['b'][0]['c']
deep.a.b.0.c
deep.x
deep.x.y
deep.a.b[5]
deep.a.b[5].c
(1).real
n.bit_length()
f.is_integer()
float0.is_integer()
f.real
t.real
n.imag
n.numerator
f.numerator
big.bit_length()
n.denominator
'a'.x
'a'['upper']()
5()
'a'()
none()|nope()|nope.x()
s.nope()

range(3)
range(3)|list
range(1,4)|list
range(5,0,-2)|list
range(0)|list
range(100001)
range(1.5)
range(1,2,0)
range()
range(3)==range(0,3)
range(10**30)
range(0, 10, 3)|length
range(stop=3)
range(1,2,3,4)
range(3)|tojson
range(0,10**18,10**17)|list
range(0)==range(1,1)

dict(a=1, b=2)
dict({'a':1}, b=2)
dict([('a',1),('b',2)])
dict()
dict(1)
dict({}, {})
dict([1])
dict.fromkeys('ab')
dict(**{'a': 1})
dict({'a':1}) == {'a':1}
namespace(a=1).a
namespace(a=1)
namespace({'a':1}, b=2).b
namespace(_a=1)
namespace(a=1)['a']
namespace().x
namespace().x is defined
namespace(self=1).self
namespace(items=1).items

raise_exception('no')
raise_exception()
raise_exception(5)
strftime_now('%Y-%m-%d')
strftime_now('%d %b %Y')
strftime_now('%A %B %j %p %I:%M:%S.%f %y %H %e %%')
strftime_now('%-d %-m %-H|%_d %^a %U %W %w %u %V %G %g %C %D %F %T %R %r %h %n %t %c %x %X %Z %z')
strftime_now('%')
strftime_now('é %Y')
strftime_now()
strftime_now(1)
cycler('a','b').next()
cycler().next()
joiner()()
joiner('|')
"""

# Filters, one expression a line.
FILTER = r"""
s|upper
s|lower
u|upper
u|lower
u|capitalize
u|title
sharp|upper
sharp|lower
sharp.title()
sharp.swapcase()
sharp.casefold()
sharp.split()|map('capitalize')|join(' ')
'ΑΣ ΑΣΑ ΆΣ.'.title()
'ὈΔΥΣΣΕΎΣ'|capitalize
'aΣ\'\u0301 Σ 1Σ aΣb'|lower
'ǅa ǅA'.title()
s|capitalize
'hello world-foo (bar) [baz] x_y'|title
'ΑΣ ΑΣΑ'|lower
'ŉ ǆ'|title
none|upper
n|upper
nope|upper
[1]|upper
'ß'|upper
'ﬁx'|capitalize
'ǆabc'|capitalize

ws|trim
ws|trim~'.'
'xxaxx'|trim('x')
'xyay'|trim('xy')
n|trim
none|trim
ws|trim(none)
s|trim(1)
s|replace('o','0')
s|replace('o','0',1)
s|replace('','-')
s|replace('l','')
n|replace(7,8)
s|replace('o')
s|replace('o','0',count=1)
s|replace(old='o',new='0')
s|replace('o',n)
nope|replace('a','b')
s|replace('o','0',none)
s|replace('o','0',-1)
s|replace('o','0',0)

l|length
s|length
u|length
d|length
none|length
5|length
nope|length
range(5)|count
()|length
l|first
e|first
[]|first
[]|first is defined
l|last
s|first
s|last
u|last
d|first
d|last
range(3)|last
[]|last
(l|map('string'))|last
(l|reverse)|last
none|first
5|last
nope|first
nope|last

l|join
l|join(',')
l|join(', ')
s|join('-')
d|join(',')
none|join
users|join(',', attribute='name')
users|join(',', 'age')
ll|join('|')
[1,none,true,2.0]|join(' ')
nope|join
[]|join('x')
l|join(1)
[nope]|join('a')
users|join(',', attribute='tags.0')

l|list
s|list
d|list
d.items()|list
none|list
5|list
nope|list
range(3)|list
u|list
l|reverse|list
s|reverse
u|reverse
d|reverse|list
none|reverse
(1,2)|reverse|list
(l|map('string')|reverse)
l|reverse|length
d.items()|reverse|list
5|reverse
l|reverse is iterable
(l|reverse) and 1

l|sort
w|sort
w|sort(case_sensitive=true)
w|sort(reverse=true)
l|sort(true)
users|sort(attribute='age')
users|sort(attribute='age,name')|map(attribute='name')|list
users|sort(attribute='age',reverse=true)|map(attribute='name')|list
mixed|sort
[1,'a']|sort
[2.5,1,true]|sort
d|sort
s|sort
nope|sort
[[2,1],[1,2]]|sort
['b','B','a','A']|sort
['b','B','a','A']|sort(reverse=true)
[none]|sort
[none,none]|sort
[(1,'a'),(1,'A')]|sort

d|dictsort
d|dictsort(true)
{'a':2,'b':1}|dictsort(by='value')
{'a':2,'b':1}|dictsort(false,'value')
d|dictsort(reverse=true)
d|dictsort(by='x')
l|dictsort
{1:2,'a':3}|dictsort
nope|dictsort
{}|dictsort
d|items|list
nope|items|list
l|items|list
none|items
d|items|length

w|unique|list
w|unique(true)|list
[1,1.0,true,2]|unique|list
users|unique(attribute='age')|map(attribute='name')|list
[[1]]|unique|list
nope|unique|list
'aAb'|unique|join
l|min
l|max
w|min
w|max
w|min(true)
[]|min
users|max(attribute='age')
users|min(attribute='name')
[1,'a']|max
[2.0,2]|max
[nope]|max
['a','A']|max
l|sum
[1.5,2]|sum
users|sum(attribute='age')
[]|sum
[]|sum(start=5)
['a']|sum
[[1],[2]]|sum(start=[])
['a']|sum(start='')
[0.1,0.2,0.3]|sum
[true,true]|sum

users|map(attribute='name')|list
users|map(attribute='tags')|list
users|map(attribute='tags', default=0)|list
users|map(attribute='x', default='?')|list
users|map(attribute='tags.0')|list
users|map('length')|list
w|map('upper')|list
l|map('string')|join('-')
w|map('replace','a','z')|list
w|map('nope')|list
w|map|list
w|map(attribute='x', foo=1)|list
nope|map('upper')|list
none|map('upper')|list
5|map('upper')|list
l|map('string')|length
l|map('string') is defined
ll|map(attribute=0)|list
ll|map('first')|list
ll|map('sum')|list
ll|map('join', '+')|list
[]|map|list

l|select|list
[0,1,'',none,'a']|select|list
l|select('odd')|list
l|select('even')|list
l|select('gt',1)|list
l|select('>', 1)|list
l|select('in',[1,2])|list
l|select('nope')|list
l|reject('odd')|list
[0,1,'']|reject|list
users|selectattr('tags')|map(attribute='name')|list
users|selectattr('age','equalto',30)|map(attribute='name')|list
users|selectattr('tags','defined')|list|length
users|rejectattr('age','eq',30)|list|length
users|selectattr|list
users|rejectattr('tags')|list|length
users|selectattr('x.y')|list
nope|select|list
w|select('string')|list
messages|selectattr('role','equalto','user')|list|length
messages|selectattr('role','==','user')|map(attribute='content')|join(',')
(messages|selectattr('role','equalto','x'))|length
'yes' if messages|selectattr('role','equalto','x') else 'no'
none|select|list

range(7)|batch(3)|list
range(7)|batch(3,'x')|list
[]|batch(3)|list
range(3)|batch(0)|list
range(4)|batch(2, none)|list
s|batch(5)|list
none|batch(2)|list
range(7)|slice(3)|list
range(7)|slice(3,'x')|list
range(2)|slice(3)|list
range(2)|slice(0)|list
none|slice(2)|list
users|groupby('age')|list
users|groupby('age')|map(attribute=0)|list
users|groupby('tags')|list
users|groupby('zip', default='none')|map('first')|list
['b','A','a']|groupby(0)|list
(users|groupby('age')|first).grouper
(users|groupby('age')|first).list|length
users|groupby|list
[{'k':'a'},{'k':'B'},{'k':'A'}]|groupby('k')|list
[{'k':'a'},{'k':'B'},{'k':'A'}]|groupby('k', case_sensitive=true)|list

nope|default('x')
e|default('x')
e|default('x',true)
none|default('x')
none|default('x',true)
nope|d('y')
nope|default
z|default(5,boolean=true)
nope.x|default('z')
d.zz|default('z')
d.zz.y|default('z')
nope|default(nope)
t|default(1)
nope|default(default_value=3)

'42'|int
'4.7'|int
'x'|int
'x'|int(5)
' 12 '|int
'1_000'|int
'0x1f'|int(base=16)
'1f'|int(0,16)
'0b11'|int(0,2)
'0x1f'|int(0,0)
none|int
[]|int
2.9|int
-2.9|int
true|int
'1e3'|int
'inf'|int
'nan'|int
nope|int
1e400|int
'٣'|int
'𝟙𝟿𝟘'|int
'𝟙.𝟻'|float
'12345678901234567890123'|int
'-5'|int
'+5'|int
'- 5'|int
''|int
'0777'|int
'0777'|int(0,0)
'_1'|int
1e20|int
'1__0'|int
none|int(none)

'4.5'|float
'x'|float
'x'|float(1)
none|float
'1e3'|float
'inf'|float
'nan'|float
'-Infinity'|float
5|float
true|float
nope|float
' 1.5 '|float
'1_0.5'|float
[]|float('d')
'0x10'|float
'.5'|float
'5.'|float
big|float
'1e500'|float
''|float

2.5|round
3.5|round
2.675|round(2)
-2.5|round
42.55|round(1)
42.55|round(1,'floor')
42.51|round(1,'ceil')
42|round
42|round(1)
1234|round(-2)
1250|round(-2)
1350|round(-2)
1234.5|round(-2)
42.5|round(0,'x')
'a'|round
none|round
2.1|round(method='ceil')
2|round(0,'ceil')
-0.4|round
1e300|round(2)
0.5|round
1.5|round
1e22|round
true|round
big|round(-5)
42.55|round(-1,'floor')
nope|round
5.0|round(400)
1150.0|round(-2)
-1250|round(-2)

-5|abs
-2.5|abs
'a'|abs
true|abs
none|abs
big|abs
(0-big)|abs
nope|abs
1|filesizeformat
999|filesizeformat
1000|filesizeformat
123456789|filesizeformat
123456789|filesizeformat(true)
1024|filesizeformat(binary=true)
'5000'|filesizeformat
0|filesizeformat
10**27|filesizeformat
-5|filesizeformat

lines|indent
lines|indent(2)
lines|indent(2,true)
lines|indent(2,true,true)
lines|indent('> ')
lines|indent(first=true)
lines|indent(blank=true)
e|indent
e|indent(first=true)
n|indent
nope|indent
'a\n'|indent
'a\n\nb\n'|indent(1,blank=true)
'a'|indent(-1)
s|indent(width=3,first=true)
'a\u2028b'|indent
none|indent

s|center(20)
s|center(20)|length
'ab'|center(5)
'abc'|center(6)
s|center(3)
n|center(5)
'x'|center
s|truncate(9)
s|truncate(5)
s|truncate(5,true)
s|truncate(8,true,'..',0)
s|truncate(2)
s|truncate(5,leeway=0)
u|truncate(8,true,leeway=0)
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(11)
'foo bar baz qux'|truncate(11,false,'...',0)
n|truncate
[1,2]|truncate(5)
'foobarbaz qux quux'|truncate(6)

s|wordcount
u|wordcount
e|wordcount
'a-b c_d e.f'|wordcount
n|wordcount
'the quick brown fox jumps over the lazy dog'|wordwrap(10)
'averyveryverylongword x'|wordwrap(5)
'averyveryverylongword x'|wordwrap(5,false)
'well-known hyphen-ated words'|wordwrap(8)
'well-known words'|wordwrap(7,break_on_hyphens=false)
'a b\n\nc d'|wordwrap(3)
'a b c'|wordwrap(3,wrapstring='|')
'  indented text here'|wordwrap(8)
e|wordwrap
n|wordwrap
s|wordwrap(0)
'trailing   spaces   here   '|wordwrap(9)
'dash--dash and x--y'|wordwrap(6)
'well-known-hyphenated-word'|wordwrap(6,false)
'abc def ghijkl m'|wordwrap(4)
u|wordwrap(3,true,'|')
nope|wordwrap(5)

html|e
html|escape
html|safe
html|e|e
html|forceescape
(html|e)|forceescape
(html|safe)+'<'
'<'+(html|safe)
(html|safe)~'<'
('<%s>'|safe)%'<'
'%s'%(html|safe)
[html|safe]
(html|safe)*2
(html|safe) is escaped
html is escaped
(html|safe)|upper
(html|safe)|string
n|e
none|e
nope|e
html|striptags
'<p>a  <!-- c -->b</p> &amp; &lt;'|striptags
{'a':1,'b':none,'c':'<'}|xmlattr
{'a':1}|xmlattr(false)
{}|xmlattr
{'a b':1}|xmlattr
l|xmlattr
(html|safe)|tojson
(html|safe)=='x'
(html|safe)|length
(html|safe)|replace('b','i')
((html|safe)|first)~'<'
((html|safe)|last)+'<'
((html|safe)|reverse)+'<'
((html|safe)|title)+'<'
((html|safe)|center(30))+'<'
((html|safe)|indent)+'<'
((html|safe)|truncate(8,true,'<'))
(html|safe)[0]+'<'
(html|safe)[-3:]+'<'
(html|safe).split()
(html|safe).rsplit('x',1)
(html|safe).splitlines()
(html|safe).partition('&')
(html|safe).replace('x','<')
(html|safe).strip('<b')+'<'
(html|safe).center(30,'<')
('-'|safe).join(['<','>'|safe,1])
('{} {0!r:>5}'|safe).format('<')
('{} {}'|safe).format('<', '<'|safe)
('{:>5}'|safe).format('<'|safe)
('{x}'|safe).format_map({'x':'<'})
(html|escape).unescape()
(html|escape).striptags()
'<a <!-- > b --> c <!-- d --> &lt;e <f'|striptags
nope|xmlattr

'a b&c/d?é'|urlencode
{'a':1,'b c':'d/e'}|urlencode
[('a',1)]|urlencode
5|urlencode
none|urlencode
true|slice(2)|urlencode
d|items|urlencode
'~_-.!*'|urlencode
l|urlencode
d|pprint
s|pprint
n|pprint
{'b':1,'a':[1,2]}|pprint
users|pprint
range(60)|list|pprint
[u*4]|pprint
{'a':{'b':['x'*30,'y'*30,'z'*30]}}|pprint
('word '*40)|pprint
[('word '*40)]|pprint
({1:2},)|pprint
nope|pprint
none|pprint

'%s-%s'|format(1,'a')
'%(a)s'|format(a=1)
'%s'|format
'%s'|format(1,2)
'%s'|format(1,a=2)
'%d'|format('x')
'x'|format
n|format
'%%'|format
s|attr('upper')
d|attr('b')
d|attr('b') is defined
(d|attr('get'))('b')
nope|attr('x')
d|attr('__class__')
l|attr('append')
namespace(a=1)|attr('a')
n|attr('real')
s|string
n|string
none|string
nope|string
l|string
2.0|string

s
nope
s|map('upper')|list
s|upper()
s|upper(1)
s|join(d=',',x=1)
s|join(',',d='.')
s|default(value=1)
l|first()
l|random is defined
[1]|random
[]|random
none|random
s|lipsum
"""

# tojson, one expression a line.
JSON = r"""
d|tojson
l|tojson
s|tojson
u|tojson
u|tojson(ensure_ascii=true)
html|tojson
none|tojson
true|tojson
2.0|tojson
1e16|tojson
1e400|tojson
(1e400-1e400)|tojson
big|tojson
(1,2)|tojson
{}|tojson
[]|tojson
d|tojson(indent=2)
d|tojson(indent=0)
[]|tojson(indent=2)
[{}]|tojson(indent=2)
d|tojson(indent='--')
users|tojson(indent=4)
d|tojson(sort_keys=true)
d|tojson(separators=(',',':'))
d|tojson(separators=[',',':'],indent=1)
d|tojson(indent=none)
{1:2,none:3,true:4,2.5:5}|tojson
{(1,2):3}|tojson
{1:2,'a':3}|tojson(sort_keys=true)
nope|tojson
[nope]|tojson
d.items()|tojson
d.keys()|tojson
(l|map('string'))|tojson
'\x00\x1f\x7f\u2028\b\f\n\r\t"\\/'|tojson
'\U0001F600'|tojson(true)
namespace()|tojson
d|tojson(foo=1)
d|tojson(indent=-1)
d|tojson(indent='x'*3)
{'a':[1,{'b':[]}]}|tojson(indent=2)
d|tojson(ensure_ascii=false)
d|tojson(separators=(',',))
d|tojson(separators=',:')
1e-7|tojson
{'a':1,'a':2}|tojson
5|tojson(indent=2)
raise_exception|tojson
d|tojson(indent=true)
"""

# Methods of strings and formatting, one expression a line.
METHOD = r"""
s.upper()
s.lower()
u.upper()
u.lower()
u.title()
u.capitalize()
u.swapcase()
u.casefold()
"they're bill's".title()
'x1y2'.title()
s.strip('Hd')
ws.strip()
ws.lstrip()~'.'
ws.rstrip()~'.'
ws.strip(none)
s.strip(1)
'\u3000a\x1c'.strip()
['\u200ba\ufeff'.strip()]

s.split()
s.split(',')
s.split(', ')
s.split('')
s.split('o',1)
s.rsplit('o',1)
ws.split()
ws.split(none,1)
ws.rsplit(none,1)
ws.split(none,0)
ws.rsplit(none,0)
e.split()
e.split(',')
'a,,b'.split(',')
s.split(sep=',',maxsplit=1)
s.split(1)
s.split('o',maxsplit=0)
'a b c'.rsplit(' ',5)
s.split('zz')
lines.splitlines()
lines.splitlines(true)
lines.splitlines(keepends=true)
'a\x0bb\x1cc\u2028d'.splitlines()
e.splitlines()
s.partition(',')
s.partition('x')
s.rpartition('o')
s.rpartition('x')
s.partition('')

s.startswith('He')
s.startswith(('x','H'))
s.startswith('e',1)
s.startswith('',50)
s.startswith('H',0,0)
s.endswith('ld')
s.endswith('l',0,-1)
s.endswith(1)
s.startswith(['H'])
s.startswith()
s.removeprefix('He')
s.removesuffix('ld')
s.removeprefix('x')
s.find('o')
s.find('o',5)
s.find('z')
s.rfind('o')
s.index('o')
s.index('z')
s.rindex('o')
u.find('好')
u.find('好',7)
s.find('o',-4)
s.find('',99)
s.find('',12)
s.count('o')
s.count('')
s.count('l',5)
u.count('')
s.find(1)
s.find('l',none,3)

s.replace('o','0')
s.replace('o','0',1)
s.replace('','.')
s.replace('o')
s.replace('o','0',count=1)
u.replace('','.',3)
s.replace(1,2)
', '.join(['a','b'])
'-'.join('abc')
','.join([1])
','.join(d)
','.join(none)
''.join([])
'x'.join(l|map('string'))
s.center(20,'*')
s.ljust(15)~'|'
s.rjust(15,'.')
'5'.zfill(3)
'-5'.zfill(4)
'+5'.zfill(1)
'abc'.zfill(2)
s.center(20,'ab')
'a\tb'.expandtabs()
'a\tb'.expandtabs(4)
'ab\tc\n\td'.expandtabs(3)
'a\tb'.expandtabs(0)
'x'.ljust(3,'é')

'abc'.isalpha()
''.isalpha()
'a1'.isalnum()
'12'.isdigit()
'²'.isdigit()
'²'.isdecimal()
'½'.isnumeric()
'一'.isnumeric()
'٣'.isdecimal()
' \t'.isspace()
''.isspace()
'abc'.islower()
'aBc'.islower()
'ABC1'.isupper()
'Abc Def'.istitle()
'Abc def'.istitle()
'a_b1'.isidentifier()
'1a'.isidentifier()
''.isidentifier()
'é'.isidentifier()
'abc'.isascii()
'é'.isascii()
''.isascii()
'a\n'.isprintable()
''.isprintable()
'ªº'.islower()
'你'.isalpha()
'A'.istitle()
'1'.isupper()

'{} {}'.format(1,'a')
'{0} {1} {0}'.format(1,2)
'{a}'.format(a=5)
'{a.b}'.format(a=deep.a)
'{0[b]}'.format(d)
'{0[1]}'.format(l)
'{:>5}|{:<5}|{:^5}'.format(1,2,3)
'{:*^9}'.format('mid')
'{:05d}'.format(-42)
'{:+d}'.format(5)
'{: d}'.format(5)
'{:x} {:X} {:#x} {:b} {:o} {:#b}'.format(255,255,255,5,8,5)
'{:,}'.format(1234567)
'{:_}'.format(1234567)
'{:,.2f}'.format(1234567.891)
'{:.3f}'.format(3.14159)
'{:e}'.format(12345.678)
'{:g}'.format(0.0001)
'{:g}'.format(1e10)
'{:.3g}'.format(1234.5)
'{:%}'.format(0.25)
'{:.1%}'.format(0.256)
'{!r}'.format('a')
'{!s:>5}'.format('a')
'{!a}'.format('é')
'{:{w}}'.format('x',w=5)
'{{}}'.format()
'{'.format()
'}'.format()
'{}'.format()
'{0}{}'.format(1,2)
'{}{0}'.format(1,2)
'{x}'.format()
'{:d}'.format('a')
'{:s}'.format(1)
'{:.2}'.format('abc')
'{:c}'.format(65)
'{:5}|'.format(true)
'{}'.format(none)
'{:5}'.format(none)
'{:5}'.format([1])
'{:.2f}'.format(2)
'{:10.3}|'.format(3.14159)
'{:.3}'.format(1e10)
'{:010.2f}'.format(-3.14159)
'{:=+8}'.format(5)
'{:é>4}'.format('x')
'{:n}'.format(5)
'{a[x]}'.format(a={'x':1})
'{0.__class__}'.format(1)
'{:,}'.format(0.5)
'{:.0f}'.format(0.5)
'{:.0f}'.format(1.5)
'{:.2e}'.format(0)
'{:08,}'.format(1234)
'{:z}'.format(1)
'{:.2d}'.format(1)
'{a}'.format_map({'a':1})
'{}'.format(1, 2)
'{:}'.format(5)
'{0!x}'.format(1)
'{:G}'.format(1e-10)
'{:#.3g}'.format(1.0)
'{:.1f}'.format(0.25)
'{:<+6.1f}|'.format(2)

'%s'%1
'%s %s'%(1,2)
'%d'%3.7
'%05d'%42
'%-5d|'%42
'%+d'%42
'% d'%42
'%x'%255
'%X'%255
'%#x'%255
'%o'%8
'%e'%12345.678
'%.2f'%3.14159
'%10.2f|'%3.14159
'%-10.2f|'%3.14159
'%g'%0.0001
'%g'%100000
'%g'%1000000
'%c'%65
'%c'%'a'
'%r'%'a'
'%a'%'é'
'%%'%()
'%s%%'%5
'%(a)s %(b)d'%{'a':1,'b':2}
'%(a)s'%{}
'%s'%{}
'%s'%[1]
'%s'%(1,)
'%s'%()
'%s'%(1,2)
'%d'%'x'
'%y'%1
'%'%1
'%*d'%(5,42)
'%.*f'%(2,3.14159)
'%s'%none
'%.2s'%'abc'
'%5s|'%'é'
'%i'%5
'%u'%5
'%5.1f%%'%99.55
'a'%1
'a'%()
'a'%{}
'a'%[1]
'%s'%nope
'%d'%nope
'%d'%true
'%05s'%'a'
'%.3d'%5
'%+.1e'%0
'%(a)s'%1
'%s %s'%'a'
'%x'%1.5
'%d'%big
'%-05d|'%5
'%ld'%5
'%#o'%8
'%G'%1e-10
'%F'%1e400
'%f'%nope
'%s'%(none,)
'%c'%-1
'%d'%1e400
'%d'%(0-3.7)

s.foo
s.isalpha|length
s.upper.x
(s.upper)()
s['upper']()
[].append
d.items
d.items is callable
s.upper is callable
n.foo()
f.hex
l.sort()
l.pop()
'a'.join
s.join
d|dictsort|first|last
"""

# Tests, one expression a line.
TEST = r"""
1 is odd
2 is even
3 is odd()
1.0 is odd
2.5 is even
'a' is odd
none is even
true is odd
9 is divisibleby 3
9 is divisibleby(2)
9 is divisibleby 0
nope is defined
s is defined
nope is undefined
nope is not defined
d.x is defined
d.x.y is defined
none is none
nope is none
z is none
none is not none
true is boolean
1 is boolean
true is true
1 is true
false is false
0 is false
1 is integer
true is integer
1.0 is integer
big is integer
1.0 is float
1 is float
1 is number
true is number
'1' is number
1.5 is number
none is number

'a' is string
1 is string
nope is string
(html|safe) is string
d is mapping
l is mapping
nope is mapping
namespace() is mapping
l is sequence
s is sequence
d is sequence
5 is sequence
none is sequence
nope is sequence
range(3) is sequence
(l|map('string')) is sequence
d.keys() is sequence
() is sequence
l is iterable
s is iterable
5 is iterable
none is iterable
nope is iterable
d is iterable
(l|map('string')) is iterable
namespace() is iterable
range is callable
s is callable
nope is callable
s.upper is callable
d is callable
namespace is callable

'abc' is lower
'ABC' is upper
'' is lower
5 is upper
nope is lower
1 is sameas 1
true is sameas true
1 is sameas true
none is sameas none
[] is sameas []
l is sameas l
1 is sameas(1)
1 is in [1,2]
1 is not in [1]
'a' is in 'abc'
1 is in 5
1 is eq 1
1 is equalto 1
1 is ne 2
2 is gt 1
2 is greaterthan 1
2 is ge 2
1 is lt 2
1 is lessthan 2
1 is le 1
1 is ==(1)
1 is gt 'a'
'upper' is filter
'nope' is filter
'odd' is test
'nope' is test
5 is filter
[] is filter
s is nope
1 is odd is even
1 is not odd and true
1 is odd or nope.x
not 1 is odd
1 + 1 is even
(1 + 1) is even
1 is eq 1 if true else 0
1 is divisibleby
1 is odd(2)
s is string and s is lower
nope is defined and nope.x
1 if s is string else 2
none is defined
l is eq [3,1,2]
d is eq d
messages[0].content is string
messages[0]['content'] is not string
4 is divisibleby 2 + 2
5 is in [5] + [6]
"""

# Whole templates.
BLOCKS = [
    # white space control
    'a\n{% if true %}\nb\n{% endif %}\nc\n',
    '  {% if true %}  \n  b  \n  {% endif %}  c',
    'a {%- if true -%} b {%- endif -%} c',
    'a{%+ if true +%}\n b{% endif %}',
    '  {%+ if true %}x{% endif %}',
    '{{ 1 -}}  \n {{- 2 }}',
    '{{ 1 }}\n{{ 2 }}\n',
    'x\n\n\n',
    'x\n',
    '\n',
    ' ',
    'a\r\nb\rc\r\n',
    '{# c #}\nx',
    '  {# c #}\nx',
    'a {#- c -#} b',
    'a {#+ c +#}\n b',
    '{# {{ x }} {% y %} #}z',
    '{#',
    '{# x',
    '{{',
    '{%',
    '{{ 1',
    '{% if',
    '{% raw',
    'x{% raw %}',
    'x{% raw %}y',
    '{% raw %}{{ x }}{% y %}{# z #}{% endraw %}',
    'a\n  {% raw %}\n {{ x }}\n  {% endraw %}\nb',
    '{%- raw -%}  x  {%- endraw -%} y',
    '{% raw %} {%- endraw %}x',
    '{%raw%}x{%endraw%}\ny',
    '{% raw %}{% raw %}{% endraw %}',
    '{% rawx %}',
    '{% if true %}{% raw %}{% endif %}{% endraw %}{% endif %}',
    '\t {% set a = 1 %}\t\n{{ a }}',
    'x {% set a = 1 %} y',
    '\xa0{% set a = 1 %}x',
    'a\u2003{%- set b = 1 %}c',
    "{{ '}}' }}",
    "{{ '%}' }}",
    "{% set a = '%}' %}{{ a }}",
    "{{ {'a': {}} }}",
    "{{ {'a': {'b': 1}}}}",
    '{{ [1}} ]',
    '{{ (1] }}',
    '{{ 1) }}',
    '{{ {1:2} }}}',
    '{ { } }',
    '{',
    '}}',
    '%}',
    '#}',
    '{{ $ }}',
    '{{ a ! b }}',
    '{{ 1 ; 2 }}',
    "{{ 'a }}",
    '{{ `a` }}',
    '{{ a.1b }}',
    '{{ 1a }}',
    '{{ é }}',
    '{% set é = 1 %}{{ é }}',
    '{{ ² }}',
    '{{ a? }}',
    '{{- 1 -}}\n\nx',
    '{{ 1 }}{{ 2 }}\n  {{ 3 }}',
    '{%if true%}a{%endif%}',
    '{{1}}{{-2-}}{{3}}',
    '{{ -1 }}{{-1}}{{ --1 }}',
    '{{+1}}',
    "{{ 'a' -}} \n\t b",
    # if
    '{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}',
    '{% if z %}a{% elif n %}b{% endif %}',
    '{% if z %}a{% elif z %}b{% else %}c{% endif %}',
    '{% if 1 if 0 else 2 %}x{% endif %}',
    '{% if %}x{% endif %}',
    '{% if 1 %}',
    '{% endif %}',
    '{% if 1 %}{% endfor %}',
    '{% if 1 %}{% else %}{% else %}{% endif %}',
    '{% if 1, %}t{% endif %}',
    '{% if () %}t{% else %}f{% endif %}',
    '{% if true: %}a{% endif %}',
    '{% if (1) %}a{% endif %}',
    '{% if not n %}a{% else %}b{% endif %}',
    '{% if nope %}a{% else %}b{% endif %}',
    "{% if 0.0 or [] or {} or '' %}a{% else %}b{% endif %}",
    '{% if n is not none and n %}y{% endif %}',
    # for
    '{% for x in l %}{{ x }},{% endfor %}',
    '{% for x in [] %}x{% else %}empty{% endfor %}',
    '{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}\n{% endfor %}',
    '{% for x in l %}{{ loop.previtem }}-{{ x }}-{{ loop.nextitem }} {% endfor %}',
    '{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}',
    "{% for x in l %}{{ loop.cycle('a','b') }}{% endfor %}",
    '{% for x in l %}{{ loop.cycle() }}{% endfor %}',
    '{% for x in [1,1,2,2,1] %}{{ loop.changed(x) }} {% endfor %}',
    '{% for x in l %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}',
    '{% for x in l %}{{ loop }} {% endfor %}',
    '{% for x in l %}{{ loop|length }}{% endfor %}',
    '{% for x in l %}{{ loop.foo }}{{ loop.foo is defined }}{% endfor %}',
    '{% for x in l %}{{ loop.__class__ }}{% endfor %}',
    '{% for a, b in ll %}{{ a }}{{ b }} {% endfor %}',
    '{% for a, b in l %}x{% endfor %}',
    '{% for a, b in [(1,2,3)] %}x{% endfor %}',
    '{% for a in ll %}{{ a[0] }}{% endfor %}',
    '{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}',
    '{% for k in d %}{{ k }}{% endfor %}',
    "{% for c in 'abc' %}{{ c }}.{% endfor %}",
    '{% for c in u %}{{ c }}.{% endfor %}',
    '{% for x in 5 %}x{% endfor %}',
    '{% for x in none %}x{% endfor %}',
    '{% for x in nope %}x{% else %}none{% endfor %}',
    '{% for (a, b) in ll %}{{ a }}{% endfor %}',
    '{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}',
    '{% for a, in [(1,)] %}{{ a }}{% endfor %}',
    "{% for k, v in 'ab' %}x{% endfor %}",
    "{% for k, v in ['ab', 'cd'] %}{{ k }}{{ v }}{% endfor %}",
    '{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }} {% endfor %}',
    '{% for x in l if x > 9 %}x{% else %}none{% endfor %}',
    '{% for x in l if loop.index %}x{% endfor %}',
    '{% for x in l if nope.x %}x{% endfor %}',
    '{% for x in 1, 2, 3 %}{{ x }}{% endfor %}',
    '{% for x in l recursive %}{{ x }}{{ loop.depth }}{% endfor %}',
    '{% for x in [1,[2,[3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}:{{ loop.depth }}{% endif %}{% endfor %}',
    '{% for x in [[1],[2,3]] recursive %}[{{ loop.index }}/{{ loop.length }}{% if x is iterable %}{{ loop(x) }}{% endif %}]{% else %}E{% endfor %}',
    '{% for x in l %}{{ loop(l) }}{% endfor %}',
    '{% for x in [[]] recursive %}{{ loop(x) }}{% else %}E{% endfor %}',
    '{% for x in l recursive %}{{ loop() }}{% endfor %}',
    '{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}',
    '{% for x in l %}{% break %}{% else %}E{% endfor %}',
    '{% for x in l %}{% continue %}{% else %}E{% endfor %}',
    '{% for x in l %}{{ x }}{% if loop.index == 2 %}{% break %}{% endif %}{% else %}E{% endfor %}',
    '{% break %}',
    '{% continue %}',
    '{% for x in l %}{% for y in l %}{{ loop.index }}{% if y == 1 %}{% break %}{% endif %}{% endfor %}-{{ loop.index }} {% endfor %}',
    '{% for x in l %}{% else %}{% break %}{% endfor %}',
    '{% for x in l %}{% for y in [] %}{% else %}{% break %}{% endfor %}{{ x }}{% endfor %}',
    '{% for x in l %}{% set y %}a{% if x == 1 %}{% break %}{% endif %}{% endset %}{{ x }}{{ y }}{% endfor %}.',
    '{% macro m() %}{% break %}{% endmacro %}',
    '{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}',
    '{% for loop in l %}{% endfor %}',
    '{% for x in l %}{% set loop = 1 %}{% endfor %}',
    '{% for x.y in l %}{% endfor %}',
    '{% for 1 in l %}{% endfor %}',
    '{% for x l %}{% endfor %}',
    '{% for x in %}{% endfor %}',
    '{% for x in l %}',
    '{% for x in l %}{% set n = n + x %}{{ n }} {% endfor %}{{ n }}',
    '{% for x in l %}{% endfor %}{{ x }}',
    '{% set x = 9 %}{% for x in l %}{{ x }}{% endfor %}{{ x }}',
    '{% for x in l %}{% if loop.first %}{% set y = x %}{% endif %}{{ y }}{% endfor %}',
    '{% for x in l %}{{ y }}{% set y = x %}{% endfor %}',
    '{% set y = 0 %}{% for x in l %}{{ y }}{% set y = x %}{{ y }}{% endfor %}{{ y }}',
    '{% for x in l %}{% for z in l %}{{ x }}{{ z }}{{ n }} {% endfor %}{% endfor %}',
    "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}{% else %}A:{{ m.content }}{% endif %}{% if not loop.last %}|{% endif %}{% endfor %}",
    '{% for x in l|reverse %}{{ x }}{{ loop.length }}{{ loop.revindex }}{% endfor %}',
    "{% for x in l|map('string') %}{{ loop.length }}{{ loop.last }}{% endfor %}",
    '{% for x in l|sort if x != 2 %}{{ x }}{% endfor %}',
    "{% set g = l|map('string') %}{{ g|list }}{{ g|list }}",
    '{% set g = l|select %}{% for x in g %}{{ x }}{% for y in g %}{{ y }}{% endfor %}{% endfor %}',
    '{% for x in loop %}{% endfor %}',
    '{% for a in l %}{% for b in loop %}{{ b[0] }}{% endfor %}{% endfor %}',
    '{% for x in range(3) %}{{ loop.nextitem }}{{ loop.nextitem }}{% endfor %}',
    '{% for x in l %}{% if x == 1 %}{{ loop.length }}{% endif %}{% endfor %}',
    "{% for x in (l|map('abs')) if x %}{{ loop.revindex }}{{ loop.index }}{% endfor %}",
    # set
    '{% set a = 1 %}{{ a }}',
    '{% set a, b = 1, 2 %}{{ a }}{{ b }}',
    '{% set a, b = [1] %}',
    '{% set (a, b) = (1, 2) %}{{ a }}{{ b }}',
    '{% set a = 1, %}{{ a }}',
    '{% set a %}x{{ n }}y{% endset %}[{{ a }}]',
    '{% set a | upper %}x{% endset %}{{ a }}',
    "{% set a | upper | replace('X', 'z') %}x{% endset %}{{ a }}",
    '{% set a %}  x\n{% endset %}[{{ a }}]{{ a is string }}',
    '{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}',
    '{% set ns = namespace() %}{% set ns.a %}t{% endset %}{{ ns.a }}',
    '{% set ns.x = 1 %}',
    '{% set d.x = 1 %}',
    '{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}',
    '{% set ns = namespace() %}{% set ns._a = 1 %}',
    '{% set ns = namespace(a=1) %}{{ ns }}{% set ns.b = ns.a %}{{ ns }}{{ ns.c }}{{ ns.c is defined }}',
    '{% set none = 1 %}',
    '{% set 1 = 2 %}',
    '{% set a.b.c = 1 %}',
    "{% set a['x'] = 1 %}",
    '{% set a = %}',
    '{% set a',
    '{% set a = 1 if false %}{{ a is defined }}',
    '{% set a = b = 1 %}',
    '{% set a = a %}{{ a is defined }}',
    '{% set n = n + 1 %}{{ n }}',
    '{% if false %}{% set n = 1 %}{% endif %}{{ n }}',
    '{% if true %}{% set q = 1 %}{% endif %}{{ q }}',
    '{% if false %}{% set q = 1 %}{% endif %}{{ q is defined }}',
    '{% if false %}{% set n = 1 %}{% else %}{% set m = 2 %}{% endif %}{{ n }}{{ m }}',
    '{% set a = 1 %}{% set a = a + 1 %}{{ a }}',
    '{{ a }}{% set a = 1 %}{{ a }}',
    '{% for i in l %}{% if i == 3 %}{% set n = 100 %}{% endif %}{{ n }} {% endfor %}',
    '{% set x = 1 %}{% for i in l %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}',
    '{% set messages = messages[1:] %}{{ messages|length }}',
    '{% set a = [1,2] + [3] %}{{ a }}{% set b = a %}{{ b == a }}',
    "{% set a = {'x': 1} %}{% set a = dict(a, y=2) %}{{ a }}",
    '{% set a | nope %}x{% endset %}',
    '{% set a %}{% set b = 1 %}{{ b }}{% endset %}{{ a }}{{ b is defined }}',
    # macros
    '{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}',
    '{% macro m(a) %}[{{ a }}]{{ a is defined }}{% endmacro %}{{ m() }}',
    '{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}',
    '{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}',
    '{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}',
    '{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}',
    '{% macro m(a=n, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}',
    "{% macro m(a, b=a~'!') %}{{ b }}{% endmacro %}{{ m('x') }}",
    '{% macro m(b=c, c=1) %}{{ b }}{% endmacro %}{{ m() }}',
    '{% macro m(a=1, b) %}{% endmacro %}',
    '{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body{% endcall %}',
    '{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) m() %}{{ a }}-{{ b }}{% endcall %}',
    '{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}',
    '{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}',
    '{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}',
    '{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}',
    '{% macro m(caller) %}{{ caller() }}{% endmacro %}{{ m() }}',
    '{% call m %}x{% endcall %}',
    '{% call nope() %}x{% endcall %}',
    '{% macro m(l) %}{% for x in l %}{% if x is iterable %}{{ m(x) }}{% else %}{{ x }}{% endif %}{% endfor %}{% endmacro %}{{ m([1,[2,[3]]]) }}',
    '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
    '{{ m() }}{% macro m() %}x{% endmacro %}',
    '{% macro m() %}{{ n }}{% set n = 5 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}',
    '{% set q = 1 %}{% macro m() %}{{ q }}{% endmacro %}{% set q = 2 %}{{ m() }}',
    '{% macro m() %}{{ later }}{% endmacro %}{% set later = 3 %}{{ m() }}',
    '{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}',
    '{% macro m() %}a{% endmacro %}{{ m }}{{ m.name }}{{ m.arguments }}{{ m is callable }}',
    '{% macro m(a, b) %}{% endmacro %}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}',
    '{% macro m(*a) %}{% endmacro %}',
    '{% macro m(a, a) %}{% endmacro %}',
    '{% macro %}{% endmacro %}',
    '{% macro m %}{% endmacro %}',
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'a': 2}) }}",
    '{% macro m(a, b) %}{{ a }}{{ b }}{{ varargs }}{% endmacro %}{{ m(1, *[2, 3]) }}',
    "{% macro m(a) %}{{ kwargs }}{% endmacro %}{{ m(**{'z': 1, 'a': 2}) }}",
    '{{ range(*[1, 3])|list }}',
    '{{ dict(**5) }}',
    "{{ dict(a=1, **{'a': 2}) }}",
    '{{ m(1 2) }}',
    '{{ m(a=1, 2) }}',
    '{{ dict(a=1, a=2) }}',
    '{{ dict(*[], *[]) }}',
    '{% macro m() %}  x  \n{% endmacro %}[{{ m() }}]',
    '{% macro outer() %}{% macro inner() %}i{{ n }}{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner is defined }}',
    '{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(50) }}',
    "{% macro m(a) %}{{ a|upper }}{% endmacro %}{{ m('x')|lower ~ m('y') }}",
    '{% macro m() %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(i) m() %}<{{ i }}>{% endcall %}',
    '{% macro m(kwargs) %}{{ kwargs }}{% endmacro %}{{ m(1) }}',
    '{% macro m(varargs=3) %}{{ varargs }}{% endmacro %}{{ m() }}',
    '{% if true %}{% macro m() %}c{% endmacro %}{% endif %}{{ m() }}',
    '{% if false %}{% macro m() %}c{% endmacro %}{% endif %}{{ m is defined }}',
    '{% macro _p() %}x{% endmacro %}{{ _p() }}',
    '{% set ns = namespace() %}{% macro m() %}{% set ns.v = 5 %}{% endmacro %}{{ m() }}{{ ns.v }}',
    '{% macro m(messages) %}{{ messages }}{% endmacro %}{{ m(1) }}{{ messages|length }}',
    '{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}',
    '{% macro m() %}{{ self }}{% endmacro %}{{ m() }}',
    # filter blocks, with, call, others
    '{% filter upper %}a{{ s }}b{% endfilter %}',
    "{% filter upper|replace('A', 'x') %}ab{% endfilter %}",
    '{% filter nope %}x{% endfilter %}',
    '{% filter indent(2) %}a\nb{% endfilter %}',
    '{% filter upper %}{% set q = 1 %}{{ q }}{% endfilter %}{{ q is defined }}',
    '{% filter trim %}\n a \n{% endfilter %}.',
    '{% filter tojson %}a"b{% endfilter %}',
    '{% filter length %}abc{% endfilter %}',
    '{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}',
    '{% with a = 1, b = a %}{{ b is defined }}{% endwith %}',
    '{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}',
    '{% with n = 1 %}{{ n }}{% endwith %}{{ n }}',
    '{% with a, b = 1, 2 %}x{% endwith %}',
    '{% with a %}x{% endwith %}',
    '{% with (a, b) = (1, 2) %}{{ a }}{{ b }}{% endwith %}',
    '{% print 1, 2 %}',
    '{% print n %}',
    '{% print %}',
    '{% do l %}',
    '{% nope %}',
    '{% generation %}x{{ n }}{% endgeneration %}\ny',
    '{% generation %}{% set q = 1 %}{% endgeneration %}{{ q is defined }}',
    '{% for x in l %}{% generation %}{{ x }}{% break %}{% endgeneration %}{% endfor %}',
    '{% generation %}',
    '{% block a %}x{% endblock %}',
    '{% block a %}{{ n }}{% endblock a %}',
    '{% set q = 1 %}{% block a %}{{ q }}{% endblock %}',
    '{% block a %}1{% endblock %}{{ self.a() }}',
    '{% block a %}1{% endblock %}{% block a %}2{% endblock %}',
    '{% block a %}{{ super() }}{% endblock %}',
    '{% for x in l %}{% block a scoped %}{{ x }}{% endblock %}{% endfor %}',
    '{% for x in l %}{% block a %}{{ x }}{% endblock %}{% endfor %}',
    '{% block a required %}{% endblock %}',
    '{% block a-b %}{% endblock %}',
    "{% include 'x' %}",
    "{% include 'x' ignore missing %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% if false %}{% include 'x' %}{% endif %}ok",
    "{% if false %}{% import 'x' as y %}{% from 'x' import y, z as q with context %}{% endif %}ok",
    "{% if true %}{% extends 'x' %}{% endif %}",
    '{{ self }}{{ self.x }}',
    '{% set self = 1 %}{{ self }}',
    # unknown filters and tests: at once, or only when they run
    '{% if false %}{{ 1|nope }}{% endif %}ok',
    '{% if true %}{{ 1|nope }}{% endif %}',
    '{{ 1|nope if false else 2 }}',
    '{% if false %}{% for x in l %}{{ x|nope }}{% endfor %}{% endif %}',
    '{% if false %}{{ 1 is nope }}{% endif %}ok',
    '{{ 1 is nope }}',
    '{{ (1|nope) if true else 2 }}',
    '{% if 1 is nope %}{% endif %}',
    '{% if false and (1|nope) %}{% endif %}ok',
    # cyclers and joiners keep state
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
    "{% set j = joiner('; ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}",
    # the errors' places
    'a\n{{ nope.x }}',
    'a\n\n{% for x in l %}\n{{ x.y.z }}\n{% endfor %}',
    '{% macro m() %}\n{{ nope.x }}\n{% endmacro %}\n{{ m() }}',
    'a\n{{ 1 +\n }}',
    'a\n\n{% endif %}',
    '{% if 1 %}\n\n',
    "\n\n{{ 'x' | nope }}",
    "{% set x = 1 %}\n{{ raise_exception('stop ' ~ x) }}",
    '\n{%- if true -%}\n\n{{ nope.a }}{% endif %}',
    '{# c\n c #}\n{{ nope.a }}',
    '{% raw %}\n\n{% endraw %}\n{{ nope.a }}',
    "{{ 'a\nb' }}\n{{ nope.a }}",
    "\n\n{{- ' ' }}\n{{ nope.a }}",
    '{{\n\nnope.a }}',
    # chained and odd
    '{{ 1 if 2 if 3 else 4 else 5 }}',
    '{{ not not 1 }}',
    '{{ 1 is not odd }}',
    '{{ not 1 in [1] }}',
    '{{ 1 not in [1] }}',
    '{{ 1 not 2 }}',
    '{{ (1, 2)[0] }}',
    '{{ [1, 2][-1] }}',
    "{{ {'a': 1}.a }}",
    "{{ {'a': 1}['a'] }}",
    "{{ 'a'.upper()[0].lower() }}",
    "{{ 'a b'.split()[1] }}",
    '{{ -1|abs }}',
    '{{ (-1)|abs }}',
    '{{ 2 ** 3|string }}',
    '{{ 1 + 2|string }}',
    "{{ 'a' ~ 1 + 2 }}",
    '{{ 1 < 2 == true }}',
    '{{ [1,2]|first + 1 }}',
    '{{ 5 // 2 * 2 }}',
    '{{ 2 * 3 % 4 }}',
    '{{ 1 - 2 - 3 }}',
    '{{ 2 / 2 / 2 }}',
    "{{ 'a' in 'abc' and 'd' not in 'abc' }}",
    '{{ x.y }}',
    '{{ }}',
    '{{ 1, }}',
    '{{ , }}',
    '{{ [,] }}',
    '{{ {,} }}',
    "{{ {'a'} }}",
    "{{ {'a': } }}",
    '{{ [1 2] }}',
    '{{ a b }}',
    '{{ 1 2 }}',
    '{{ if }}',
    '{{ a. }}',
    "{{ a.'b' }}",
    '{{ a[] }}',
    '{{ a[1 }}',
    '{{ a[:] }}',
    '{{ a|  }}',
    '{{ a is }}',
    '{{ a | upper( }}',
    '{{ l[0:2:1:3] }}',
    '{{ lambda }}',
    '{{ s.0 }}',
    '{{ d.if }}',
    '{{ true.x }}',
    '{{ 1.5.x }}',
    '{{ 1.x }}',
    '{{ s|upper|lower|title }}',
    '{{ ((((1)))) }}',
    '{{ s[1:3].upper() }}',
    "{{ messages[0]['content'][:1] }}",
    '{{ messages[-1].role }}',
    '{{ messages[0].content is defined and messages[0].content is not none }}',
    "{{ (messages|selectattr('role', 'equalto', 'user')|list)[-1].content }}",
    "{{ messages|map(attribute='role')|unique|list|tojson }}",
    "{{ 'x' if messages[0]['role'] == 'system' else 'y' }}",
    '{{ [nope] }}',
    '{{ [nope, none] }}',
    "{{ {'a': nope} }}",
    '{{ (nope,) }}',
    '{{ nope }}|{{ none }}',
    '{{ _x }}',
    '{{ __class__ }}',
    "{{ ''.__class__.__mro__ }}",
    '{{ [].__class__ }}',
    '{{ s.__len__() }}',
    "{{ [1]|attr('__len__') }}",
    '{{ lipsum.__globals__ }}',
    '{{ namespace.__init__ }}',
]


def expressions(text):
    return ["{{ " + line + " }}" for line in text.splitlines() if line]


SNIPPETS = expressions(EXPR) + expressions(FILTER) + expressions(JSON) + expressions(METHOD) + expressions(TEST) + BLOCKS
