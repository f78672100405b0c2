import { expect, test } from "vitest";
import { parseRedisUrl, RedisNodes } from "../../../gateway/redis/access.ts";

test("a URL names hosts, user, password and database", () => {
  expect(parseRedisUrl("rediss://al%40ice:p%3Aw@a.example,[::1]:7001,10.0.0.7:7002/3")).toEqual({
    socketPath: null,
    addresses: [
      { host: "a.example", port: 6379 },
      { host: "::1", port: 7001 },
      { host: "10.0.0.7", port: 7002 },
    ],
    isTls: true,
    username: "al@ice",
    password: "p:w",
    database: 3,
  });
  expect(parseRedisUrl("redis://:secret@localhost")).toMatchObject({
    username: null,
    password: "secret",
    database: 0,
    isTls: false,
  });
  expect(parseRedisUrl("unix:///var/run/redis%20one.sock")).toMatchObject({
    socketPath: "/var/run/redis one.sock",
    addresses: [],
  });
});

test.each([
  "localhost:6379",
  "redis://",
  "redis://host:port",
  "redis://host:70000",
  "redis://host/0?family=6",
  "redis://host/zero",
  "redis://a%ZZ:b@host",
  "redis://a,,b",
  "http://host",
  "unix://relative",
])("%s is not understood", (url) => {
  expect(parseRedisUrl(url)).toBeNull();
});

test("after a fault the next host is tried, and the first one again after the last", () => {
  const nodes = new RedisNodes({ url: "redis://a,b:7000", prefix: "x" });
  expect(nodes.options()).toMatchObject({ host: "a", port: 6379 });
  nodes.failed();
  expect(nodes.options()).toMatchObject({ host: "b", port: 7000 });
  nodes.failed();
  expect(nodes.options()).toMatchObject({ host: "a", port: 6379 });
});

test("a node to which a cluster sends is tried once, then those of the URL", () => {
  const nodes = new RedisNodes({ url: "redis://a,b:7000", prefix: "{x}" });
  nodes.sentTo({ host: "c", port: 7001 });
  expect(nodes.options()).toMatchObject({ host: "c", port: 7001 });
  nodes.sentTo({ host: "", port: 7002 });
  expect(nodes.options()).toMatchObject({ host: "c", port: 7002 });
  nodes.failed();
  expect(nodes.options()).toMatchObject({ host: "a", port: 6379 });
});
