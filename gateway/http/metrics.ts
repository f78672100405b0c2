import { PerformanceObserver } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ServerStatus } from "./server-status.ts";

/** The event loop's lag is taken by a timer of its own: at the default of 10 ms it costs half a percent of a core. */
const EVENT_LOOP_SAMPLE_MS = 100;

/** Collections of this thread: others wait for them only where they wait for it. */
function watchCollections(): { ms: number } {
  const longest = { ms: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest.ms = Math.max(longest.ms, duration);
  }).observe({ entryTypes: ["gc"] });
  return longest;
}

/**
 * Prometheus metrics. The counts live in shared memory and in the status; they are read when a
 * scrape comes, so that they cost an order nothing.
 */
export function createMetrics(status: () => ServerStatus): Registry {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    prefix: "crossbook_",
    eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS,
  });

  const gauge = (name: string, help: string, value: (status: ServerStatus) => number) =>
    new Gauge({
      name: `crossbook_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(status()));
      },
    });
  const longestPause = watchCollections();
  gauge(
    "gc_longest_seconds",
    "longest garbage collection of the main thread since the start",
    () => longestPause.ms / 1e3,
  );
  gauge("ready", "1 while orders are accepted", ({ state }) => (state === "ready" ? 1 : 0));
  gauge("last_seq", "seq of the last sequenced command", ({ lastSeq }) => lastSeq);
  gauge("check_seq", "seq of the last snapshot command", ({ check }) => check.seq);
  gauge(
    "history_damaged",
    "1 where the journal or the event log is damaged before the part that the start has read",
    ({ history }) => (history.state === "damaged" ? 1 : 0),
  );
  gauge(
    "history_checked_seq",
    "journal and event log are found whole up to this seq",
    ({ history }) => history.checkedSeq,
  );
  gauge("logged_seq", "seq of the last event in the event log", ({ log }) => log.lastSeq);
  gauge("redis_seq", "seq of the last event in Redis", ({ redis }) => redis.lastSeq);
  gauge("redis_lag_commands", "commands between event log and Redis", ({ redis }) => redis.lag);
  gauge(
    "redis_lag_events",
    "events between event log and Redis, -1 where that is not known",
    ({ redis }) => redis.lagEvents ?? -1,
  );
  gauge("redis_lag_seconds", "no event that Redis lacks is older", ({ redis }) => redis.lagSeconds);
  gauge("redis_publishing", "1 while events go to Redis", ({ redis }) =>
    redis.state === "publishing" ? 1 : 0,
  );
  new Gauge({
    name: "crossbook_redis_halted",
    help: "1 under the code for which publishing to Redis has halted",
    labelNames: ["code"],
    registers: [registry],
    collect() {
      this.reset();
      const { code } = status().redis;
      if (code !== null) this.set({ code }, 1);
    },
  });
  gauge(
    "journal_epoch",
    "times this directory's journal was opened",
    ({ journal }) => journal.epoch,
  );
  gauge(
    "journal_last_commit_seconds",
    "duration of the last write and sync",
    ({ journal }) => journal.lastCommitUs / 1e6,
  );
  gauge(
    "journal_max_commit_seconds",
    "longest write and sync since the start",
    ({ journal }) => journal.maxCommitUs / 1e6,
  );
  gauge("disk_low", "1 while new orders are refused for want of disk space", ({ diskLow }) =>
    diskLow ? 1 : 0,
  );
  gauge(
    "risk_workers_rebuilding",
    "risk workers that refuse orders until their accounts are rebuilt",
    ({ risk }) => risk.rebuilding,
  );
  gauge(
    "kill_switch_last_seconds",
    "from the last kill switch to the end of its account's trading, cancels durable",
    ({ killSwitch }) => killSwitch.lastUs / 1e6,
  );
  gauge(
    "kill_switch_max_seconds",
    "the longest of these since the start",
    ({ killSwitch }) => killSwitch.maxUs / 1e6,
  );
  new Gauge({
    name: "crossbook_stage_lag_commands",
    help: "commands that are sequenced and not yet past the stage",
    labelNames: ["stage"],
    registers: [registry],
    collect() {
      const { lags } = status();
      for (const [stage, lag] of Object.entries(lags)) this.set({ stage }, lag);
    },
  });
  new Gauge({
    name: "crossbook_sessions",
    help: "open WebSocket sessions",
    labelNames: ["endpoint"],
    registers: [registry],
    collect() {
      const { trade, market } = status().sessions;
      this.set({ endpoint: "trade" }, trade);
      this.set({ endpoint: "market" }, market);
    },
  });
  gauge(
    "market_connections_behind",
    "market-data connections that have too much unread, or wait for a snapshot",
    ({ sessions }) => sessions.marketBehind,
  );

  const counter = (name: string, help: string, value: (status: ServerStatus) => number) =>
    new Counter({
      name: `crossbook_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(status()));
      },
    });
  counter("journal_commands_total", "commands written", ({ journal }) => journal.commands);
  counter("journal_blocks_total", "blocks written", ({ journal }) => journal.blocks);
  counter("journal_bytes_total", "bytes written", ({ journal }) => journal.bytes);
  counter(
    "risk_worker_deaths_total",
    "risk workers that died or hung and were replaced",
    ({ risk }) => risk.restarts,
  );
  counter("kill_switches_total", "kill switches engaged", ({ killSwitch }) => killSwitch.count);
  counter("redis_events_total", "events sent to Redis and answered", ({ redis }) => redis.events);
  counter("redis_trades_total", "trades among them", ({ redis }) => redis.trades);
  counter(
    "redis_batches_total",
    "batches sent to Redis and answered",
    ({ redis }) => redis.batches,
  );
  counter(
    "redis_faults_total",
    "faults after which it was connected to anew",
    ({ redis }) => redis.faults,
  );
  counter(
    "redis_connections_total",
    "connections to Redis that took over publishing",
    ({ redis }) => redis.connections,
  );
  counter("events_total", "public events", ({ log }) => log.eventCount);
  new Counter({
    name: "crossbook_refused_total",
    help: "commands refused before they got a seq, by reason",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(status().refused)) this.inc({ reason }, count);
    },
  });
  return registry;
}
