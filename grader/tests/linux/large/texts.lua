-- texts.lua: strings, patterns, files, other programs, time.
print(("Hello"):rep(3, "-"), ("Hello"):reverse(), ("Hello"):upper(), #"Hello")
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print(("one two  three"):gsub("%s+", "_"))
for word, number in ("a=1, b=22, c=333"):gmatch("(%w)=(%d+)") do io.write(word, number, ";") end
print()
print(string.pack("<i4 z s1", -2, "zero", "short"):byte(1, -1))
print(utf8.char(228, 8364, 128512), utf8.len("äöü€"))
print(("%q"):format("line\nbreak\0"))

local out <close> = assert(io.open("disk/made", "w"))
for i = 1, 1000 do out:write("line ", i, "\n") end
print("written", out:seek("cur"))
out:close()

local count, sum = 0, 0
for line in io.lines("disk/made") do
    count = count + 1
    sum = sum + tonumber(line:match("%d+"))
end
print("lines", count, sum)
local file = assert(io.open("disk/made", "r+"))
file:seek("set", 5)
file:write("X")
file:seek("set", 0)
print(file:read("l"), file:read("n"), file:read(6))
file:seek("end", -5)
print(file:read("a"))
file:close()
print(io.open("disk/none"))
print(pcall(io.lines, "disk/none"))

local append = assert(io.open("disk/made", "a"))
append:setvbuf("full", 64)
append:write("the end\n")
append:close()
local all = assert(io.open("disk/made")):read("a")
print("size", #all, all:sub(-8))

print("remove", os.remove("disk/made"))
print("remove", os.remove("disk/made"))

local pipe = assert(io.popen("echo from the shell; exit 3"))
print("popen", pipe:read("a"), pipe:close())
print("execute", os.execute("exit 5"))
print("shell", os.execute() and true)

print("date", os.date("!%Y-%m-%d %H:%M:%S", 951782400))
print("time", os.time() >= 0, os.clock() >= 0, os.difftime(10, 4))
print("environment", os.getenv("HOME"), arg[0], arg[1], #arg)
print("load", load("return 6 * 7")(), (load("syntax error")))
local module = assert(io.open("disk/mod.lua", "w"))
module:write("return { value = 42 }")
module:close()
package.path = "disk/?.lua"
print("require", require("mod").value, package.loaded.mod ~= nil)
print("standard input", io.read())
io.stderr:write("to standard error\n")
os.exit(21, true)
