// What flatc's code for structs needs of the FlatBuffers runtime, and no more: fixed layouts are read
// and written in place, there is no builder and no verifier. The runtime's own header of the version
// below can take its place.
#ifndef CROSSBOOK_EXAMPLE_FLATBUFFERS_H_
#define CROSSBOOK_EXAMPLE_FLATBUFFERS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#define FLATBUFFERS_VERSION_MAJOR 25
#define FLATBUFFERS_VERSION_MINOR 9
#define FLATBUFFERS_VERSION_REVISION 23

#define FLATBUFFERS_FINAL_CLASS final
#define FLATBUFFERS_MANUALLY_ALIGNED_STRUCT(alignment) struct alignas(alignment)
#define FLATBUFFERS_STRUCT_END(name, size) static_assert(sizeof(name) == size, "layout of " #name)
#define FLATBUFFERS_DEFINE_BITMASK_OPERATORS(E, T)                                            \
  inline E operator|(E a, E b) { return static_cast<E>(static_cast<T>(a) | static_cast<T>(b)); }

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "records are little endian: this header does not swap bytes"
#endif

namespace flatbuffers {

template <typename T>
T EndianScalar(T value) {
  return value;
}

template <typename E>
bool IsOutRange(E value, E low, E high) {
  return value < low || value > high;
}

template <typename T, std::size_t N>
struct span {
  T *items;
  span(T (&array)[N]) : items(array) {}
};

template <typename T, std::size_t N>
struct Array {
  T items[N];
  const T *data() const { return items; }
  std::size_t size() const { return N; }
  void CopyFromSpan(span<const T, N> source) { std::memcpy(items, source.items, sizeof items); }
};

template <typename T, std::size_t N>
Array<T, N> &CastToArray(T (&array)[N]) {
  return *reinterpret_cast<Array<T, N> *>(array);
}

template <typename T, std::size_t N>
const Array<T, N> &CastToArray(const T (&array)[N]) {
  return *reinterpret_cast<const Array<T, N> *>(array);
}

}  // namespace flatbuffers

#endif
