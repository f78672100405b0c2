// One place from which connection after connection is made to a server, each with something wrong.
import { isUtf8 } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Random } from "../reference/fuzz/random.ts";
import type { PayloadSource } from "./payload-source.ts";
import { RawConnection } from "./raw-connection.ts";
import type { SentCommands } from "./sent-commands.ts";
import type { LogonValues } from "./valid-messages.ts";
import {
  CARRIERS,
  type Carrier,
  ENDINGS,
  type Ending,
  HANDSHAKES,
  type Handshake,
  LOOSE_ENDINGS,
  type LooseEnding,
} from "./wire-faults.ts";
import { frame, Opcode } from "./ws-frame.ts";

/** What a connection does beside its frames. */
export const MANNERS = [
  "strangerTrade",
  "strangerMarket",
  "trader",
  "viewer",
  "logonSpoiled",
  "logonOverheard",
  "badHandshake",
  "slowHandshake",
  "framesWithHandshake",
  "byteByByte",
  "neverReads",
  "resetInFrame",
] as const;
export type Manner = (typeof MANNERS)[number];
/** Of a hundred or so connections; taken in turn, so that none is left out by bad luck. */
const SHARES: Readonly<Record<Manner, number>> = {
  strangerTrade: 26,
  strangerMarket: 18,
  trader: 18,
  viewer: 6,
  logonSpoiled: 8,
  logonOverheard: 3,
  badHandshake: 14,
  slowHandshake: 1,
  framesWithHandshake: 3,
  byteByByte: 2,
  neverReads: 1,
  resetInFrame: 5,
};

export interface AttackKey {
  readonly keyId: string;
  readonly secret: string;
  readonly keyNumber: number;
  readonly account: number;
}

export interface AttackKeys {
  readonly trader: AttackKey;
  readonly viewer: AttackKey;
  /** Of one who may or may not get in. */
  readonly spoiled: AttackKey;
}

/** Shared by all places. */
export interface Battle {
  readonly port: number;
  readonly source: PayloadSource;
  readonly sent: SentCommands;
  readonly counts: Map<string, number>;
  readonly findings: string[];
  /** Frames that may still be sent. */
  framesLeft: number;
  frames: number;
  connections: number;
  /** A logon that has been used. */
  overheard: Buffer | null;
  /** How often each list was taken from. */
  readonly turns: Map<readonly string[], number>;
}

const DECK: readonly Manner[] = MANNERS.flatMap((name) => Array<Manner>(SHARES[name]).fill(name));
/** No divisor in common with the number of any of the lists: neighbours in a list are far apart in time. */
const STRIDE = 41;
const CARRIER_NAMES = Object.keys(CARRIERS) as Carrier[];
const ENDING_NAMES = Object.keys(ENDINGS) as Ending[];
const LOOSE_NAMES = Object.keys(LOOSE_ENDINGS) as LooseEnding[];
const HANDSHAKE_NAMES = Object.keys(HANDSHAKES) as Handshake[];
/** The server lets go of who does wrong within this; much sooner as a rule. */
const LET_GO_MS = 10_000;
const LOOSE_MS = 20;
/** Up to so many frames on a connection. */
const FRAMES = [3, 10, 60, 300];
const WRITE_BYTES = 64 * 1024;
const SLOW_BYTES = 300;
const LEAST_CONNECTIONS = 260;
const UNREAD_FRAMES = 1500;

export function countOf(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

export class Attacker {
  readonly #battle: Battle;
  readonly #random: Random;
  readonly #keys: AttackKeys;
  readonly #localAddress: string;

  constructor(battle: Battle, random: Random, keys: AttackKeys, localAddress: string) {
    this.#battle = battle;
    this.#random = random;
    this.#keys = keys;
    this.#localAddress = localAddress;
  }

  /** Connection after connection, while there are frames left, and until every fault had its turn. */
  async run(): Promise<void> {
    const battle = this.#battle;
    while (battle.framesLeft > 0 || battle.connections < LEAST_CONNECTIONS) {
      const manner = this.#turn(DECK);
      countOf(this.#battle.counts, `manner ${manner}`);
      this.#battle.connections++;
      const connection = new RawConnection(this.#battle.port, this.#localAddress);
      try {
        await this.#behave(connection, manner);
      } finally {
        connection.destroy();
      }
    }
  }

  async #behave(connection: RawConnection, manner: Manner): Promise<void> {
    const path = manner === "strangerMarket" ? "/v1/market" : "/v1/trade";
    if (manner === "badHandshake" || manner === "slowHandshake") {
      await this.#shakeBadly(connection, manner === "slowHandshake");
      return;
    }
    if (manner === "framesWithHandshake") {
      const upgraded = connection.upgrade(path);
      this.#sendFrames(connection, 20, null);
      await upgraded;
    } else if (!(await connection.upgrade(path))) {
      this.#find(`${manner}: the upgrade was refused with ${connection.end.httpStatus}`);
      return;
    }
    let key: AttackKey | null = null;
    if (manner === "trader" || manner === "viewer") {
      key = this.#keys[manner];
      await this.#logOn(connection, key);
    } else if (manner === "logonSpoiled") key = await this.#logOnSpoiled(connection);
    else if (manner === "logonOverheard") await this.#logOnOverheard(connection);
    connection.ignoreMessages();
    if (manner === "neverReads") {
      connection.stopReading();
      this.#sendFrames(connection, UNREAD_FRAMES, null);
      await connection.endedWithin(LOOSE_MS);
      return;
    }
    if (manner === "byteByByte") {
      const bytes = Buffer.concat(this.#drawFrames(6, null)).subarray(0, SLOW_BYTES);
      await connection.writeByteByByte(bytes);
    } else {
      this.#sendFrames(
        connection,
        this.#random.int(1, this.#random.pick(FRAMES)),
        manner === "viewer" ? null : key,
      );
      await connection.drained();
    }
    if (manner === "resetInFrame") {
      connection.write(frame(Opcode.text, Buffer.alloc(100, 32)).subarray(0, 50));
      connection.reset();
      return;
    }
    await this.#endBadly(connection, manner === "byteByByte");
  }

  async #shakeBadly(connection: RawConnection, isSlow: boolean): Promise<void> {
    const name = this.#turn(HANDSHAKE_NAMES);
    countOf(this.#battle.counts, `handshake ${name}`);
    const text = Buffer.from(HANDSHAKES[name](), "latin1");
    if (isSlow) {
      await connection.writeByteByByte(text.subarray(0, SLOW_BYTES));
      return;
    }
    connection.write(text);
    // Some get an answer, some wait for more: the client goes.
    await connection.endedWithin(LOOSE_MS);
    countOf(this.#battle.counts, `${name} → ${connection.end.httpStatus || "no answer"}`);
  }

  async #endBadly(connection: RawConnection, isAfterCut: boolean): Promise<void> {
    const { counts } = this.#battle;
    const isLoose = isAfterCut || this.#random.chance(0.15);
    this.#battle.frames++;
    this.#battle.framesLeft--;
    if (isLoose) {
      const name = this.#turn(LOOSE_NAMES);
      countOf(counts, `loose ending ${name}`);
      connection.write(LOOSE_ENDINGS[name](this.#random));
      if (this.#random.chance(0.5)) connection.finish();
      await connection.endedWithin(LOOSE_MS);
    } else {
      const name = this.#turn(ENDING_NAMES);
      countOf(counts, `ending ${name}`);
      connection.write(ENDINGS[name](this.#random));
      if (!(await connection.endedWithin(LET_GO_MS)))
        this.#find(`${name}: the server does not let go`);
      countOf(
        counts,
        `${name} → ${connection.end.closeCode === 0 ? "cut" : connection.end.closeCode}`,
      );
    }
  }

  // Frames.

  /** key: what of them is a command may be sequenced under it. */
  #sendFrames(connection: RawConnection, count: number, key: AttackKey | null): void {
    let batch: Buffer[] = [];
    let bytes = 0;
    for (const part of this.#drawFrames(count, key)) {
      batch.push(part);
      bytes += part.length;
      if (bytes < WRITE_BYTES) continue;
      connection.write(Buffer.concat(batch));
      batch = [];
      bytes = 0;
    }
    connection.write(Buffer.concat(batch));
  }

  #drawFrames(count: number, key: AttackKey | null): Buffer[] {
    const random = this.#random;
    const { source, counts, sent } = this.#battle;
    const frames: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const isBinary = random.chance(0.5);
      const kinds = isBinary ? source.drawBinary(random, null) : source.drawText(random, null);
      const payload = source.payload.data();
      const isText = !isBinary && isUtf8(payload);
      // The protocol has a fault of its own for text that is none.
      const opcode = isText ? Opcode.text : Opcode.binary;
      for (const kind of kinds) countOf(counts, `${isBinary ? "binary" : "text"} ${kind}`);
      if (key !== null) sent.add(payload, !isText, key.keyNumber, key.account);
      const carrier = random.chance(0.6) ? "whole" : random.pick(CARRIER_NAMES);
      const carried = CARRIERS[carrier](opcode, payload, random);
      countOf(counts, `carrier ${carrier}`, carried.length);
      frames.push(...carried);
    }
    this.#battle.frames += frames.length;
    this.#battle.framesLeft -= frames.length;
    return frames;
  }

  // Logons.

  async #logOn(connection: RawConnection, key: AttackKey): Promise<void> {
    const logon = await this.#logonFor(connection, key);
    if (logon === null) return;
    const text = JSON.stringify({
      type: "logon",
      keyId: logon.keyId,
      timestamp: logon.timestampUs,
      signature: Buffer.from(logon.signature).toString("base64"),
    });
    this.#battle.overheard = Buffer.from(text);
    connection.write(frame(Opcode.text, Buffer.from(text)));
    const answer = await connection.message("loggedOn");
    if (answer === null) this.#find(`${key.keyId} could not log on: ${connection.end.closeCode}`);
    else countOf(this.#battle.counts, "logons");
  }

  /** A right logon that was spoiled: who gets in with it may trade. */
  async #logOnSpoiled(connection: RawConnection): Promise<AttackKey> {
    const key = this.#keys.spoiled;
    const logon = await this.#logonFor(connection, key);
    if (logon !== null) {
      const { source } = this.#battle;
      source.drawText(this.#random, logon);
      const text = source.payload.data();
      connection.write(frame(isUtf8(text) ? Opcode.text : Opcode.binary, text));
      countOf(this.#battle.counts, "logons spoiled");
    }
    return key;
  }

  async #logOnOverheard(connection: RawConnection): Promise<void> {
    const { overheard, counts } = this.#battle;
    if (overheard === null) return;
    await connection.message("challenge");
    connection.write(frame(Opcode.text, overheard));
    countOf(counts, "logons overheard");
    if ((await connection.message("loggedOn")) !== null) this.#find("an overheard logon was taken");
    if (connection.end.closeCode !== 4401) {
      this.#find(`an overheard logon ended with ${connection.end.closeCode}`);
    }
  }

  async #logonFor(connection: RawConnection, key: AttackKey): Promise<LogonValues | null> {
    const challenge = await connection.message("challenge");
    if (challenge === null) return null;
    const timestampUs = Number(challenge.serverTime);
    const text = `${String(challenge.challenge)}\n${key.keyId}\n${timestampUs}`;
    const signature = createHmac("sha256", key.secret).update(text).digest();
    return { keyId: key.keyId, timestampUs, signature };
  }

  /** The next of a list, over all places. */
  #turn<Name extends string>(names: readonly Name[]): Name {
    const { turns } = this.#battle;
    const turn = turns.get(names) ?? 0;
    turns.set(names, turn + 1);
    return names[(turn * STRIDE) % names.length] as Name;
  }

  #find(text: string): void {
    this.#battle.findings.push(text);
  }
}
