// The Lua scripts. A script runs as one step: it writes everything or nothing, on the server
// that answers, in its append-only file and on its replicas. That, and no more, is what "exactly
// once" rests on here, so every check is made before the first write.

/** Version of the keys and fields described in docs/redis.md. */
export const STREAM_FORMAT = "1";

/**
 * Takes over publishing: from here on an append with another owner's token is refused, also one that
 * an earlier connection has sent and Redis has not read yet.
 *
 * KEYS: directory, events. ARGV: format, directory id, epoch, owner.
 */
export const CLAIM_SCRIPT = `
local at = redis.call('HMGET', KEYS[1], 'format', 'directoryId', 'epoch')
if at[1] then
  if at[1] ~= ARGV[1] then return {'otherFormat', at[1]} end
  if at[2] ~= ARGV[2] then return {'otherDirectory', at[2]} end
  if tonumber(at[3]) > tonumber(ARGV[3]) then return {'laterEpoch', at[3]} end
elseif redis.call('EXISTS', KEYS[2]) == 1 then
  return {'unmarkedStream', KEYS[2]}
end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'directoryId', ARGV[2], 'epoch', ARGV[3],
  'owner', ARGV[4])
return {'claimed', ''}
`;

/** Arguments of one trade in the append script: the stream's place in KEYS, the id, nine values. */
export const TRADE_ARGUMENTS = 11;

/**
 * Appends one batch, if the streams stand where the publisher thinks they do.
 *
 * KEYS: directory, instruments, events, then the trades streams of this batch. ARGV: owner, id of
 * the batch before, the first id after that one, id, n, e, entries to keep (0: all), events published
 * in all (empty: not known), number of instruments, then for each its id and record, then for each
 * trade TRADE_ARGUMENTS values.
 */
export const APPEND_SCRIPT = `
local at = redis.call('HMGET', KEYS[1], 'owner', KEYS[3])
if not at[1] then return {'moved', 'nothing'} end
if at[1] ~= ARGV[1] then return {'replaced', at[1]} end
local prev = ARGV[2]
if (at[2] or '0-0') ~= prev then return {'moved', at[2] or 'nothing'} end
if prev ~= '0-0' and redis.call('EXISTS', KEYS[3]) == 0 then return {'streamMissing', KEYS[3]} end
if #redis.call('XRANGE', KEYS[3], ARGV[3], '+', 'COUNT', 1) > 0 then
  return {'foreignEntry', KEYS[3]}
end
for k = 4, #KEYS do
  local last = '0-0'
  local recorded = redis.call('HGET', KEYS[1], KEYS[k]) or '0-0'
  if redis.call('EXISTS', KEYS[k]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[k])
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
  elseif recorded ~= '0-0' then
    return {'streamMissing', KEYS[k]}
  end
  if last ~= recorded then return {'foreignEntry', KEYS[k]} end
end

local keep = tonumber(ARGV[7])
if keep > 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', keep, ARGV[4], 'e', ARGV[6], 'n', ARGV[5], 'prev', prev)
else
  redis.call('XADD', KEYS[3], ARGV[4], 'e', ARGV[6], 'n', ARGV[5], 'prev', prev)
end
local a = 10
for i = 1, tonumber(ARGV[9]) do
  redis.call('HSET', KEYS[2], ARGV[a], ARGV[a + 1])
  a = a + 2
end
local last = {}
while a <= #ARGV do
  local key = KEYS[tonumber(ARGV[a])]
  last[key] = ARGV[a + 1]
  redis.call('XADD', key, ARGV[a + 1], 'tradeId', ARGV[a + 2], 'price', ARGV[a + 3],
    'quantity', ARGV[a + 4], 'aggressorSide', ARGV[a + 5], 'buyOrderId', ARGV[a + 6],
    'sellOrderId', ARGV[a + 7], 'buyAccount', ARGV[a + 8], 'sellAccount', ARGV[a + 9],
    'timestamp', ARGV[a + 10])
  a = a + ${TRADE_ARGUMENTS}
end
redis.call('HSET', KEYS[1], KEYS[3], ARGV[4])
if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'published', ARGV[8]) end
for key, id in pairs(last) do
  if keep > 0 then redis.call('XTRIM', key, 'MAXLEN', '~', keep) end
  redis.call('HSET', KEYS[1], key, id)
end
return {'appended', ''}
`;

/**
 * Appends one anchor, by the same rules as a batch; the batches before it must be there.
 *
 * KEYS: directory, events, anchors. ARGV: owner, id of the batch before, id, seq, block, chain,
 * timestamp, entries to keep (0: all).
 */
export const ANCHOR_SCRIPT = `
local at = redis.call('HMGET', KEYS[1], 'owner', KEYS[3], KEYS[2])
if not at[1] then return {'moved', 'nothing'} end
if at[1] ~= ARGV[1] then return {'replaced', at[1]} end
if (at[3] or '0-0') ~= ARGV[2] then return {'moved', at[3] or 'nothing'} end
local last = '0-0'
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
elseif at[2] then
  return {'streamMissing', KEYS[3]}
end
if last ~= (at[2] or '0-0') then return {'foreignEntry', KEYS[3]} end
redis.call('XADD', KEYS[3], ARGV[3], 'seq', ARGV[4], 'block', ARGV[5], 'chain', ARGV[6],
  'timestamp', ARGV[7])
local keep = tonumber(ARGV[8])
if keep > 0 then redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', keep) end
redis.call('HSET', KEYS[1], KEYS[3], ARGV[3])
return {'appended', ''}
`;
