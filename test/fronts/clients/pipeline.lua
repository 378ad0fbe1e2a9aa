-- wrk: ten requests in one write, again and again.
init = function()
  local requests = {}
  for i = 1, 10 do requests[i] = wrk.format("GET", "/proxy/hello") end
  pipelined = table.concat(requests)
end

request = function() return pipelined end
