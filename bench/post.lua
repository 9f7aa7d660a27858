-- wrk -s post.lua URL -- FILE PATH METHOD: rotate over the requests in FILE, one a line; print one JSON line.
local requests, count, at = {}, 0, 0

function init(args)
  local headers = { ["Accept"] = "application/json", ["Content-Type"] = "application/json" }
  for line in io.lines(args[1]) do
    count = count + 1
    if args[3] == "GET" then
      requests[count] = wrk.format("GET", line, { ["Accept"] = "application/json" })
    else
      requests[count] = wrk.format("POST", args[2], headers, line)
    end
  end
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"mean_us":%.1f,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.mean,
    e.status + e.connect + e.read + e.write + e.timeout))
end
