// HMAC-SHA256 (FIPS 180-4, RFC 2104), so that the example needs no library. A program that has one
// at hand uses that.
#ifndef CROSSBOOK_EXAMPLE_HMAC_SHA256_H_
#define CROSSBOOK_EXAMPLE_HMAC_SHA256_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <string>

using Digest = std::array<uint8_t, 32>;

namespace sha256 {

inline uint32_t rotated(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

/** The first 32 bits of the fraction of a root of the index-th prime. */
inline uint32_t root_bits(int index, bool cube) {
  int prime = 1;
  for (int found = 0; found <= index;) {
    prime++;
    bool divides = false;
    for (int d = 2; d * d <= prime; d++) divides = divides || prime % d == 0;
    if (!divides) found++;
  }
  const long double root = cube ? std::cbrt(static_cast<long double>(prime))
                                : std::sqrt(static_cast<long double>(prime));
  return static_cast<uint32_t>((root - std::floor(root)) * 4294967296.0L);
}

struct Constants {
  std::array<uint32_t, 8> start;
  std::array<uint32_t, 64> round;
  Constants() {
    for (int i = 0; i < 8; i++) start[i] = root_bits(i, false);
    for (int i = 0; i < 64; i++) round[i] = root_bits(i, true);
  }
};

inline const Constants &constants() {
  static const Constants made;
  return made;
}

inline void mix(std::array<uint32_t, 8> &state, const uint8_t *block) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    w[i] = uint32_t{block[4 * i]} << 24 | uint32_t{block[4 * i + 1]} << 16 |
           uint32_t{block[4 * i + 2]} << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    const uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + w[i - 7] +
           (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; i++) {
    const uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) +
                        ((e & f) ^ (~e & g)) + constants().round[i] + w[i];
    const uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) +
                        ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const uint32_t mixed[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; i++) state[i] += mixed[i];
}

inline Digest digest(std::string text) {
  const uint64_t bits = text.size() * 8;
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift);
  auto state = constants().start;
  for (size_t at = 0; at < text.size(); at += 64) {
    mix(state, reinterpret_cast<const uint8_t *>(text.data()) + at);
  }
  Digest out;
  for (int i = 0; i < 32; i++) out[i] = static_cast<uint8_t>(state[i / 4] >> (24 - i % 4 * 8));
  return out;
}

inline std::string text_of(const Digest &digest) { return {digest.begin(), digest.end()}; }

}  // namespace sha256

inline Digest hmac_sha256(std::string key, const std::string &text) {
  if (key.size() > 64) key = sha256::text_of(sha256::digest(key));
  key.resize(64, '\0');
  std::string inner = key, outer = key;
  for (char &byte : inner) byte ^= 0x36;
  for (char &byte : outer) byte ^= 0x5c;
  return sha256::digest(outer + sha256::text_of(sha256::digest(inner + text)));
}

#endif
