-- numbers.lua: computations, tables, closures, coroutines, errors.
local function fib(n)
    return n < 2 and n or fib(n - 1) + fib(n - 2)
end
print("fib", fib(20))

local sieve, primes = {}, {}
for n = 2, 5000 do
    if not sieve[n] then
        primes[#primes + 1] = n
        for m = n * n, 5000, n do sieve[m] = true end
    end
end
print("primes", #primes, primes[#primes])

print("integers", 7 // 2, -7 // 2, 7 % -3, 1 << 40, 0xff ~ 0x0f, math.maxinteger, math.mininteger)
print("floats", 1 / 3, 10 / 2, 2 ^ 0.5, math.pi, 1e300 * 1e10, -(0 / 0) ~= 0 / 0)
print(math.sin(1), math.log(10), math.exp(1), math.floor(-2.5), math.type(1), math.type(1.0))
print(string.format("%.14g %5.2f %e %a", 0.1, 3.14159, 12345.678, 0.5))
print(tostring(1e15), 2^53, 1e100, 123456789012345678)

local big = {}
for i = 1, 10000 do big[i] = (i * 7919) % 10007 end
table.sort(big)
local ordered = true
for i = 2, #big do ordered = ordered and big[i - 1] <= big[i] end
print("sorted", ordered, big[1], big[#big])

local function counter()
    local n = 0
    return function() n = n + 1; return n end
end
local a, b = counter(), counter()
print("closures", a(), a(), b(), a())

local producer = coroutine.wrap(function()
    for i = 1, 3 do coroutine.yield(i * i) end
    return "done"
end)
print("coroutine", producer(), producer(), producer(), producer())

print("pcall", pcall(error, { 1 }) == false, select(2, pcall(function() local t; return t.x end)))
print("xpcall", xpcall(function() error("deep") end, function(m) return "handled: " .. m end))
local function overflow() return 1 + overflow() end
print("overflow", (pcall(overflow)))

local class = setmetatable({}, { __call = function(c, x) return setmetatable({ x = x }, c) end })
class.__index = class
class.__add = function(p, q) return class(p.x + q.x) end
class.__tostring = function(p) return "point " .. p.x end
class.__close = function() print("closed") end
print(tostring(class(1) + class(2)))
do local guard <close> = class(3) end

collectgarbage()
local before = collectgarbage("count")
do
    local heap = {}
    for i = 1, 10000 do heap[i] = { i, tostring(i) } end
end
collectgarbage()
print("garbage goes", collectgarbage("count") < before + 500)
local weak = setmetatable({}, { __mode = "v" })
weak[1] = {}
collectgarbage()
print("weak", weak[1])
