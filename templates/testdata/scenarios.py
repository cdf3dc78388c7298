"""Conversations that every chat template is rendered with, and their settings."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather <now> & \"here\".",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city, e.g. Zürich"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "minimum": 1, "maximum": 7.5},
            },
            "required": ["city"],
        },
    },
}
NESTED = {
    "type": "function",
    "function": {
        "name": "book_trip",
        "description": "Books a trip.",
        "parameters": {
            "type": "object",
            "properties": {
                "legs": {
                    "type": "array",
                    "description": "Legs of the trip.",
                    "items": {
                        "type": "object",
                        "properties": {
                            "from": {"type": "string"},
                            "to": {"type": ["string", "null"]},
                            "options": {
                                "type": "object",
                                "properties": {"seat": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                                "additionalProperties": False,
                            },
                        },
                        "required": ["from", "to"],
                    },
                },
                "passengers": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "confirm": {"type": "boolean", "default": True},
                "budget": {"type": "number", "nullable": True},
            },
            "required": ["legs", "passengers"],
        },
        "return": {"type": "object", "description": "The booking."},
    },
}
NOARGS = {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}}


def user(text, **kw):
    return {"role": "user", "content": text, **kw}


def assistant(text, **kw):
    return {"role": "assistant", "content": text, **kw}


def system(text):
    return {"role": "system", "content": text}


def call(name, arguments, **kw):
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **kw}


def tool(text, **kw):
    return {"role": "tool", "content": text, **kw}


WEATHER_TURN = [
    user("Weather in Zürich?"),
    {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Zürich", "days": 2, "flag": True, "x": None, "f": 2.0}, id="call00001")]},
    tool('{"temperature": 21.5}', name="get_weather", tool_call_id="call00001"),
]

UNICODE = "Grüße 你好 مرحبا नमस्ते 👩‍👩‍👧 \u0000\u00a0\u2028 ﬁ İ ß 'single' \"double\" <b>&amp;</b> \\n \\ {{ x }} {% y %}"

S = []

LONG = {}  # texts that repeat another many times


def long(text, n):
    LONG[text * n] = f"<repeat {n}>{text}"
    return text * n


def add(name, messages, tools=None, **kw):
    S.append({"name": name, "messages": messages, "tools": tools, **kw})


add("plain", [user("Hello!")])
add("plain generation", [user("Hello!")], add_generation_prompt=True)
add("system", [system("You are terse."), user("Hi")], add_generation_prompt=True)
add("system only", [system("You are terse.")], add_generation_prompt=True)
add("multi turn", [user("Hi"), assistant("Hello, how can I help?"), user("2+2?"), assistant("4"), user("Thanks")], add_generation_prompt=True)
add("multi turn, system, ends with assistant", [system("S"), user("Hi"), assistant("Hello."), user("More"), assistant("Done.")])
add("content with spaces", [system("  S \n"), user("\n  Hi  \n"), assistant("  Hello \n\n")])
add("empty content", [system(""), user(""), assistant(""), user("x")], add_generation_prompt=True)
add("none content", [user("a"), {"role": "assistant", "content": None}, user("b")], add_generation_prompt=True)
add("missing content", [user("a"), {"role": "assistant"}, user("b")])
add("unicode", [system(UNICODE), user(UNICODE), assistant(UNICODE), user(UNICODE)], add_generation_prompt=True)
add("very long", [user(long("word ", 20000)), assistant(long("x", 50000)), user(long("\n", 1000))], add_generation_prompt=True)
add("tools", [user("Weather?")], [WEATHER], add_generation_prompt=True)
add("tools with system", [system("Use tools."), user("Weather?")], [WEATHER, NESTED, NOARGS], add_generation_prompt=True)
add("empty tools", [user("Weather?")], [], add_generation_prompt=True)
add("tool call", WEATHER_TURN[:2], [WEATHER])
add("tool call and result", WEATHER_TURN, [WEATHER, NESTED], add_generation_prompt=True)
add("tool call, result, answer", [system("S")] + WEATHER_TURN + [assistant("21.5 degrees."), user("Thanks")], [WEATHER], add_generation_prompt=True)
add("tool call without tools", WEATHER_TURN, add_generation_prompt=True)
add("tool call with text", [user("Go"), assistant("Let me look.", tool_calls=[call("get_weather", {"city": "Bern"}, id="abcdefghi")]), tool("rain", tool_call_id="abcdefghi"), assistant("Rain.")], [WEATHER])
add("parallel tool calls", [user("Both"), {"role": "assistant", "tool_calls": [call("get_weather", {"city": "A"}, id="aaaaaaaaa"), call("now", {}, id="bbbbbbbbb")]}, tool("1", name="get_weather", tool_call_id="aaaaaaaaa"), tool("2", name="now", tool_call_id="bbbbbbbbb")], [WEATHER, NOARGS], add_generation_prompt=True)
add("tool call, string arguments", [user("Go"), {"role": "assistant", "content": "", "tool_calls": [call("get_weather", '{"city": "Bern"}', id="abcdefghi")]}, tool("rain", name="get_weather", tool_call_id="abcdefghi")], [WEATHER], add_generation_prompt=True)
add("tool call, nested arguments", [user("Book"), {"role": "assistant", "content": "", "tool_calls": [call("book_trip", {"legs": [{"from": "A", "to": None, "options": {"seat": "1a"}}], "passengers": ["Ö", "'q'"], "budget": 1e20, "confirm": False}, id="abcdefghi")]}, tool({"ok": True, "price": 12.0, "list": [1, None]}, name="book_trip", tool_call_id="abcdefghi")], [NESTED], add_generation_prompt=True)
add("two rounds of tools", WEATHER_TURN + [assistant("", tool_calls=[call("now", {}, id="call00002")]), tool("12:00", name="now", tool_call_id="call00002")], [WEATHER, NOARGS], add_generation_prompt=True)
add("thinking on", [user("Why?")], enable_thinking=True, thinking=True, add_generation_prompt=True)
add("thinking off", [user("Why?")], enable_thinking=False, thinking=False, add_generation_prompt=True)
add("thinking in history", [user("Why?"), assistant("<think>\nHm.\n</think>\n\nBecause."), user("And?")], enable_thinking=True, add_generation_prompt=True)
add("reasoning content", [user("Why?"), assistant("Because.", reasoning_content="Hm."), user("And?"), assistant("So.", reasoning_content="Right.")], enable_thinking=True)
add("reasoning named thinking", [user("Why?"), assistant("Because.", thinking="Hm.")])
add("reasoning with tools", WEATHER_TURN[:1] + [dict(WEATHER_TURN[1], reasoning_content="I need the weather.")] + WEATHER_TURN[2:], [WEATHER], add_generation_prompt=True, enable_thinking=True)
add("reasoning effort", [system("S"), user("Q")], reasoning_effort="high", add_generation_prompt=True)
add("content parts", [{"role": "system", "content": [{"type": "text", "text": "S"}]}, {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "text", "text": "two"}]}, {"role": "assistant", "content": [{"type": "text", "text": "Yes."}]}], add_generation_prompt=True)
add("image parts", [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is it? "}, {"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}], add_generation_prompt=True)
add("wrong role", [{"role": "narrator", "content": "Once."}, user("Hi")], add_generation_prompt=True)
add("two users", [user("A"), user("B")], add_generation_prompt=True)
add("assistant first", [assistant("Hello"), user("Hi")], add_generation_prompt=True)
add("late system", [user("Hi"), system("Late"), user("Yo")], add_generation_prompt=True)
add("developer role", [{"role": "developer", "content": "Dev"}, user("Hi")], add_generation_prompt=True)
add("continue", [user("Count"), assistant("One, two")], continue_final_message=True)
add("continue, trailing space", [user("Count"), assistant("One, two, ")], continue_final_message=True)
add("continue, parts", [user("Count"), {"role": "assistant", "content": [{"type": "text", "text": "One"}]}], continue_final_message=True)
add("documents", [user("Summarize")], documents=[{"title": "T", "text": "Body é", "doc_id": 1}, {"title": "U", "text": "More"}], add_generation_prompt=True)
add("date given", [user("Hi")], date_string="01 Jan 2020", add_generation_prompt=True)
add("message without role", [{"content": "x"}])
add("tool result first", [tool("x", name="n", tool_call_id="abcdefghi")], add_generation_prompt=True)

# The scenarios that the templates in real/ are rendered with: the features on which templates differ.
REAL = [
    "plain generation", "multi turn, system, ends with assistant", "content with spaces", "tools with system",
    "tool call, result, answer", "parallel tool calls", "tool call, nested arguments", "thinking off", "thinking in history",
    "reasoning with tools", "reasoning effort", "image parts", "continue", "developer role",
]
