// The part of uWebSockets.js that is used here. Its packages bring no types.
import { createRequire } from "node:module";

export interface UwsSocket<T> {
  getUserData(): T;
  /** 1 sent, 0 queued, 2 dropped. */
  send(message: string | ArrayBufferView, isBinary: boolean, compress: boolean): number;
  getBufferedAmount(): number;
  cork(work: () => void): void;
  /** False: the socket is closed. */
  subscribe(topic: string): boolean;
  unsubscribe(topic: string): boolean;
  /** Closing handshake; the close handler runs before this returns. */
  end(code: number, reason: string): void;
  /** Cuts the connection; the close handler runs before this returns. */
  close(): void;
}

export interface UwsRequest {
  getHeader(lowerCaseName: string): string;
  getMethod(): string;
  getUrl(): string;
  getQuery(): string;
}

export interface UwsResponse {
  writeStatus(status: string): this;
  writeHeader(name: string, value: string): this;
  end(body?: string | ArrayBufferView): this;
  endWithoutBody(reportedLength: number): this;
  cork(work: () => void): this;
  onAborted(handler: () => void): this;
  getRemoteAddressAsText(): ArrayBuffer;
  upgrade<T>(
    userData: T,
    key: string,
    protocol: string,
    extensions: string,
    context: UwsUpgradeContext,
  ): void;
}

declare const upgradeContext: unique symbol;
export interface UwsUpgradeContext {
  readonly [upgradeContext]: true;
}

export interface UwsBehavior<T> {
  compression: number;
  maxPayloadLength: number;
  maxBackpressure: number;
  closeOnBackpressureLimit: boolean;
  idleTimeout: number;
  maxLifetime: number;
  sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: UwsUpgradeContext): void;
  open(socket: UwsSocket<T>): void;
  message(socket: UwsSocket<T>, message: ArrayBuffer, isBinary: boolean): void;
  drain(socket: UwsSocket<T>): void;
  close(socket: UwsSocket<T>, code: number, message: ArrayBuffer): void;
}

declare const listenSocket: unique symbol;
export interface UwsListenSocket {
  readonly [listenSocket]: true;
}

export interface UwsApp {
  ws<T>(path: string, behavior: UwsBehavior<T>): this;
  any(path: string, handler: (response: UwsResponse, request: UwsRequest) => void): this;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: UwsListenSocket | false | null) => void,
  ): this;
  /**
   * Short messages wait for the end of the loop's turn, or for a send to the same socket; their order
   * with what is sent stays.
   */
  publish(
    topic: string,
    message: string | ArrayBufferView,
    isBinary: boolean,
    compress: boolean,
  ): boolean;
  /** Cuts everything, listening sockets and connections. */
  close(): this;
}

export interface UwsModule {
  App(): UwsApp;
  SSLApp(options: { key_file_name: string; cert_file_name: string; passphrase?: string }): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
  readonly DISABLED: number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}

/** The binary for this platform and Node version, or the reason why there is none. */
export function loadUws(): UwsModule | Error {
  const nodeMajor = process.versions.node.split(".")[0];
  const name = `@uwsjs/${process.platform}-${process.arch}-${nodeMajor}`;
  try {
    return createRequire(import.meta.url)(name) as UwsModule;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
