// The client's half of a WebSocket (RFC 6455) for binary messages over a plain POSIX socket. Without
// TLS: put a proxy that has it before a server that is not on this machine.
#ifndef CROSSBOOK_EXAMPLE_WEBSOCKET_H_
#define CROSSBOOK_EXAMPLE_WEBSOCKET_H_

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <random>
#include <stdexcept>
#include <string>

class WebSocket {
 public:
  /** host, port: where; target: path and query. Waits at most `seconds` for anything. */
  WebSocket(const std::string &host, const std::string &port, const std::string &target,
            int seconds) {
    connect_to(host, port, seconds);
    // The key is to keep caches away, not a secret: any 16 bytes in base64 will do.
    write_all("GET " + target + " HTTP/1.1\r\nHost: " + host + ":" + port +
              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: Y3Jvc3Nib29rIGV4YW1wbA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    size_t end;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) read_some();
    if (unread_.compare(0, 12, "HTTP/1.1 101") != 0) {
      throw std::runtime_error("no WebSocket there: " + unread_.substr(0, unread_.find('\r')));
    }
    unread_.erase(0, end + 4);
  }

  ~WebSocket() {
    if (socket_ >= 0) close(socket_);
  }

  WebSocket(const WebSocket &) = delete;
  WebSocket &operator=(const WebSocket &) = delete;

  void send(const std::string &payload, int opcode = 2) {
    std::string frame{static_cast<char>(0x80 | opcode)};
    if (payload.size() < 126) frame += static_cast<char>(0x80 | payload.size());
    else if (payload.size() < 65536) {
      frame += static_cast<char>(0x80 | 126);
      frame += static_cast<char>(payload.size() >> 8);
      frame += static_cast<char>(payload.size());
    } else throw std::runtime_error("the example sends small messages only");
    const uint32_t mask = random_();
    for (int i = 0; i < 4; i++) frame += static_cast<char>(mask >> 8 * i);
    for (size_t i = 0; i < payload.size(); i++) {
      frame += static_cast<char>(payload[i] ^ static_cast<char>(mask >> 8 * (i & 3)));
    }
    write_all(frame);
  }

  /** The next message. Answers pings; throws when the server closes, with its reason. */
  std::string receive() {
    std::string message;
    for (;;) {
      const std::string head = take(2);
      const auto first = static_cast<uint8_t>(head[0]);
      uint64_t size = static_cast<uint8_t>(head[1]) & 0x7f;
      if (size >= 126) {
        const std::string wide = take(size == 126 ? 2 : 8);
        size = 0;
        for (const char byte : wide) size = size << 8 | static_cast<uint8_t>(byte);
      }
      if (size + message.size() > kMostBytes) throw std::runtime_error("a message too large");
      const std::string payload = take(size);
      switch (first & 0x0f) {
        case 8:
          throw std::runtime_error("closed: " + (size > 2 ? payload.substr(2) : "without a word"));
        case 9:
          send(payload, 10);
          break;
        case 10:
          break;
        default:
          message += payload;
          if (first & 0x80) return message;
      }
    }
  }

  void say_goodbye() { send({'\x03', '\xe8'}, 8); }  // 1000

 private:
  static constexpr uint64_t kMostBytes = 16 << 20;
  int socket_ = -1;
  std::string unread_;
  std::random_device random_;

  void connect_to(const std::string &host, const std::string &port, int seconds) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo *found = nullptr;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
      throw std::runtime_error("no such host: " + host);
    }
    for (const addrinfo *at = found; at != nullptr && socket_ < 0; at = at->ai_next) {
      socket_ = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
      if (socket_ >= 0 && connect(socket_, at->ai_addr, at->ai_addrlen) == 0) break;
      if (socket_ >= 0) close(socket_);
      socket_ = -1;
    }
    freeaddrinfo(found);
    if (socket_ < 0) throw std::runtime_error("nobody listens at " + host + ":" + port);
    const timeval patience{seconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;  // orders are small: waiting to fill a packet costs more than it saves
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  void write_all(const std::string &bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the connection is broken");
      at += static_cast<size_t>(sent);
    }
  }

  void read_some() {
    char buffer[65536];
    const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("the connection is broken, or nothing came in time");
    unread_.append(buffer, static_cast<size_t>(got));
  }

  std::string take(uint64_t count) {
    while (unread_.size() < count) read_some();
    std::string taken = unread_.substr(0, count);
    unread_.erase(0, count);
    return taken;
  }
};

#endif
