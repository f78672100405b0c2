// A private session in binary: challenge, logon, and records one by one.
#ifndef CROSSBOOK_EXAMPLE_SESSION_H_
#define CROSSBOOK_EXAMPLE_SESSION_H_

#include <map>
#include <stdexcept>
#include <string>

#include "crossbook_generated.h"
#include "hmac_sha256.h"
#include "websocket.h"

namespace crossbook {

/** Template ids as in docs/wire-format.md. */
enum Template : uint16_t {
  kNewOrder = 1,
  kCancelOrder = 2,
  kReplaceOrder = 3,
  kAccepted = 64,
  kRejected = 65,
  kCanceled = 67,
  kReplaced = 69,
  kInstrument = 72,
  kChallenge = 128,
  kLogon = 129,
  kLoggedOn = 130,
  kErrorMessage = 132,
  kQuery = 135,
  kQueryEnd = 136,
};

/** What `crossbook keys create` has printed. */
struct Key {
  std::string key_id;
  std::string secret;
};

template <size_t N>
std::string text_of(const flatbuffers::Array<uint8_t, N> *field) {
  const std::string padded(reinterpret_cast<const char *>(field->data()), N);
  return padded.substr(0, padded.find('\0'));
}

class Session {
 public:
  Session(const std::string &host, const std::string &port, const Key &key)
      : socket_(host, port, "/v1/trade?encoding=binary", 10) {
    const auto challenge = expect<Challenge>(kChallenge);
    // Its header tells schema and version; ours have to be the same.
    schema_id_ = challenge.message().schema_id();
    version_ = challenge.message().version();
    const uint64_t now = challenge.server_time_us();  // our own clock may be off
    const std::string text =
        text_of(challenge.challenge()) + "\n" + key.key_id + "\n" + std::to_string(now);
    const Digest digest = hmac_sha256(key.secret, text);
    uint8_t key_id[16] = {}, signature[64] = {};
    if (key.key_id.size() > sizeof key_id) throw std::runtime_error("no key of ours");
    std::memcpy(key_id, key.key_id.data(), key.key_id.size());
    std::memcpy(signature, digest.data(), digest.size());
    const bool cancel_on_disconnect = true;
    send(Logon(header_of<Logon>(kLogon), now, 0, 0, digest.size(), cancel_on_disconnect, false, 0,
               key_id_span(key_id), signature_span(signature)));
    logged_on_ = expect<LoggedOn>(kLoggedOn);
    last_request_ = logged_on_.last_request_id();
  }

  const LoggedOn &logged_on() const { return logged_on_; }
  uint64_t last_request() const { return last_request_; }

  template <typename Record>
  MessageHeader header_of(Template id) const {
    return MessageHeader(sizeof(Record), id, schema_id_, version_);
  }

  /** The header of a command, under the next requestId. */
  template <typename Record>
  CommandHeader command(Template id, uint32_t instrument = 0) {
    return CommandHeader(header_of<Record>(id), 0, 0, ++last_request_, 0, instrument, 0,
                         Verdict::pending, RejectReason::none, 0, 0);
  }

  template <typename Record>
  void send(const Record &record) {
    socket_.send(std::string(reinterpret_cast<const char *>(&record), sizeof record));
  }

  /** The next record's template id; `read` gives the record. An error is thrown. */
  uint16_t next() {
    at_ += length_;
    length_ = 0;
    while (at_ >= frame_.size()) {
      frame_ = socket_.receive();
      at_ = 0;
    }
    MessageHeader header;
    if (frame_.size() - at_ < sizeof header) throw std::runtime_error("no record");
    std::memcpy(static_cast<void *>(&header), frame_.data() + at_, sizeof header);
    length_ = header.block_length();
    if (length_ < sizeof header || frame_.size() - at_ < length_) {
      throw std::runtime_error("no record");
    }
    if (header.template_id() == kErrorMessage) {
      throw std::runtime_error(text_of(read<ErrorMessage>().text()));
    }
    return header.template_id();
  }

  /** A copy: in the frame it need not be aligned. */
  template <typename Record>
  Record read() const {
    if (length_ != sizeof(Record)) throw std::runtime_error("a record of another length");
    Record record;
    std::memcpy(static_cast<void *>(&record), frame_.data() + at_, sizeof record);
    return record;
  }

  /** The next one of this kind; others are passed over. */
  template <typename Record>
  Record expect(Template id) {
    while (next() != id) {
    }
    return read<Record>();
  }

  std::map<std::string, Instrument> instruments() {
    send(Query(header_of<Query>(kQuery), 0, QueryKind::instruments));
    std::map<std::string, Instrument> found;
    for (uint16_t id = next(); id != kQueryEnd; id = next()) {
      if (id != kInstrument) continue;
      const auto instrument = read<Instrument>();
      found.emplace(text_of(instrument.symbol()), instrument);
    }
    return found;
  }

  void close() { socket_.say_goodbye(); }

 private:
  using key_id_span = flatbuffers::span<const uint8_t, 16>;
  using signature_span = flatbuffers::span<const uint8_t, 64>;
  WebSocket socket_;
  uint16_t schema_id_ = 0;
  uint16_t version_ = 0;
  LoggedOn logged_on_;
  uint64_t last_request_ = 0;
  std::string frame_;
  size_t at_ = 0;
  size_t length_ = 0;
};

}  // namespace crossbook

#endif
