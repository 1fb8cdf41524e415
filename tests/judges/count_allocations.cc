/// Counts the memory that a program asks for, from outside: loaded with LD_PRELOAD, it stands in for libc's
/// allocator and for mmap, and hands every call on.
///
///   SWATH_ALLOCATIONS=report.json LD_PRELOAD=count_allocations.so PROGRAM...
///
/// At exit it writes one JSON object: peak_bytes and live_bytes (at exit) of heap and anonymous mappings
/// together, the same for the heap alone, file mappings, and the number of allocations.
///
/// What counts: a block of the heap by malloc_usable_size, which is what was asked for rounded up by at most
/// 24 bytes (the largest blocks to whole pages); an anonymous mapping that the program or a library makes
/// itself by whole pages; a mapping of a file apart from those (its pages can be dropped). What does not:
/// libc's own mappings (they carry the heap that is counted already), the program's image, and thread stacks
/// (libc maps them without going through here). Programs that the counted one starts are not counted.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// libc's own allocator under its other names: these need no dlsym, which would allocate before there is an
// allocator.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

#define SWATH_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

/// Live bytes and the most there ever were. Constant-initialised: allocations come before any constructor.
struct Tally {
  std::atomic<int64_t> live{0};
  std::atomic<int64_t> peak{0};

  void Add(int64_t bytes) {
    const int64_t now = live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    int64_t seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }
};

constinit Tally all, heap, files;
constinit std::atomic<int64_t> allocations{0};

void* Counted(void* block) {
  if (block == nullptr) return nullptr;
  const auto bytes = static_cast<int64_t>(malloc_usable_size(block));
  heap.Add(bytes);
  all.Add(bytes);
  allocations.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void Forget(void* block) {
  if (block == nullptr) return;
  const auto bytes = static_cast<int64_t>(malloc_usable_size(block));
  heap.Add(-bytes);
  all.Add(-bytes);
}

int64_t Pages(size_t length) {
  constexpr int64_t kPage = 4096;
  return (static_cast<int64_t>(length) + kPage - 1) / kPage * kPage;
}

/// Mappings that were counted, to know what an munmap ends: a table without locks, since a program makes few.
/// An entry is taken by its address.
struct Mapping {
  std::atomic<uintptr_t> address{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<bool> is_file{false};
};
constexpr size_t kMappings = 4096;
constinit Mapping mappings[kMappings];
constinit std::atomic<int64_t> lost_mappings{0};

void Remember(void* address, int64_t bytes, bool is_file) {
  (is_file ? files : all).Add(bytes);
  for (Mapping& m : mappings) {
    uintptr_t none = 0;
    if (!m.address.compare_exchange_strong(none, reinterpret_cast<uintptr_t>(address))) continue;
    m.is_file = is_file;
    m.bytes = bytes;
    return;
  }
  lost_mappings.fetch_add(1);
}

/// A part cut off one end is taken off the entry; a hole in the middle is taken off its size.
void ForgetMapping(void* address, int64_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(address), end = begin + static_cast<uintptr_t>(bytes);
  for (Mapping& m : mappings) {
    const uintptr_t own = m.address.load();
    const int64_t size = m.bytes.load();
    if (own == 0 || end <= own || begin >= own + static_cast<uintptr_t>(size)) continue;
    const uintptr_t own_end = own + static_cast<uintptr_t>(size);
    const auto cut = static_cast<int64_t>((end < own_end ? end : own_end) - (begin > own ? begin : own));
    (m.is_file ? files : all).Add(-cut);
    if (cut == size) {
      m.bytes = 0;
      m.address = 0;
    } else {
      m.bytes = size - cut;
      if (begin <= own) m.address = end;
    }
  }
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void* Map(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  using Function = void* (*)(void*, size_t, int, int, int, off_t);
  static const Function next = Next<Function>("mmap");
  void* mapped = next(address, length, protection, flags, file, offset);
  if (mapped == MAP_FAILED) return mapped;
  if (flags & MAP_FIXED) ForgetMapping(mapped, Pages(length));
  Remember(mapped, Pages(length), !(flags & MAP_ANONYMOUS));
  return mapped;
}

__attribute__((destructor)) void Report() {
  const char* path = std::getenv("SWATH_ALLOCATIONS");
  if (path == nullptr) return;
  char text[512];
  const int length = std::snprintf(
      text, sizeof text,
      "{\"peak_bytes\": %lld, \"live_bytes\": %lld, \"heap_peak_bytes\": %lld, \"heap_live_bytes\": %lld, "
      "\"file_mapping_peak_bytes\": %lld, \"allocations\": %lld, \"lost_mappings\": %lld}\n",
      static_cast<long long>(all.peak), static_cast<long long>(all.live), static_cast<long long>(heap.peak),
      static_cast<long long>(heap.live), static_cast<long long>(files.peak),
      static_cast<long long>(allocations), static_cast<long long>(lost_mappings));
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  if (write(file, text, static_cast<size_t>(length)) != length)
    std::fprintf(stderr, "%s: not written\n", path);
  close(file);
}

/// Programs that this one starts would write over the report.
__attribute__((constructor)) void Begin() { unsetenv("LD_PRELOAD"); }

}  // namespace

SWATH_EXPORT void* malloc(size_t size) { return Counted(__libc_malloc(size)); }

SWATH_EXPORT void* calloc(size_t count, size_t size) { return Counted(__libc_calloc(count, size)); }

SWATH_EXPORT void free(void* block) {
  Forget(block);
  __libc_free(block);
}

SWATH_EXPORT void* realloc(void* block, size_t size) {
  // Both blocks may be there while it copies, but not if libc remaps: the new size alone is counted.
  const auto old = static_cast<int64_t>(block == nullptr ? 0 : malloc_usable_size(block));
  void* moved = __libc_realloc(block, size);
  if (moved == nullptr && size != 0) return nullptr;
  heap.Add(-old);
  all.Add(-old);
  return Counted(moved);
}

SWATH_EXPORT void* memalign(size_t alignment, size_t size) {
  return Counted(__libc_memalign(alignment, size));
}

SWATH_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return Counted(__libc_memalign(alignment, size));
}

SWATH_EXPORT int posix_memalign(void** block, size_t alignment, size_t size) {
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* found = __libc_memalign(alignment, size);
  if (found == nullptr) return ENOMEM;
  *block = Counted(found);
  return 0;
}

SWATH_EXPORT void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  return Map(address, length, protection, flags, file, offset);
}

SWATH_EXPORT void* mmap64(void* address, size_t length, int protection, int flags, int file, off64_t offset) {
  return Map(address, length, protection, flags, file, offset);
}

SWATH_EXPORT int munmap(void* address, size_t length) {
  using Function = int (*)(void*, size_t);
  static const Function next = Next<Function>("munmap");
  // Before it is gone: another thread may be given the same address at once.
  ForgetMapping(address, Pages(length));
  return next(address, length);
}
