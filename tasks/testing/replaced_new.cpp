// operator new that can be told to fail. Linked on purpose, into programs that test for it: see
// fail_every_allocation.hpp. Memory comes from malloc, so sanitizers see all of it.

#include <array>
#include <cstdlib>
#include <cxxabi.h>
#include <execinfo.h>
#include <new>
#include <string>
#include <string_view>

#include "tasks/testing/fail_every_allocation.hpp"

namespace {

struct gate_state {
    bool open = false;
    bool failed = false;
    std::size_t count = 0;
    std::size_t fail_at = 0;
    std::array<void*, 48> stack{};
    int stack_size = 0;
};

// Constant-initialised: operator new is called before anything else is constructed.
constinit thread_local gate_state gate;

[[gnu::noinline]] bool must_fail() noexcept {
    if (!gate.open) return false;
    if (++gate.count != gate.fail_at) return false;
    gate.failed = true;
    gate.open = false;  // whoever looks where we are may allocate
    gate.stack_size = ::backtrace(gate.stack.data(), static_cast<int>(gate.stack.size()));
    gate.open = true;
    return true;
}

[[gnu::always_inline]] inline void* allocate(std::size_t size) noexcept {
    if (must_fail()) return nullptr;
    return std::malloc(size == 0 ? 1 : size);
}

[[gnu::always_inline]] inline void* allocate_aligned(std::size_t size,
                                                     std::size_t alignment) noexcept {
    if (must_fail()) return nullptr;
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

[[gnu::always_inline]] inline void* or_throw(void* block) {
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

/// "program(_ZN6mayhem3runEv+0x12) [0x55]" as "mayhem::run()".
std::string readable(std::string_view line) {
    const std::size_t open = line.find('(');
    const std::size_t plus = line.find('+', open);
    if (plus == line.npos || plus == open + 1) return std::string(line);
    const std::string mangled(line.substr(open + 1, plus - open - 1));
    int failed = 0;
    char* name = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &failed);
    if (failed != 0) return mangled;
    std::string text(name);
    std::free(name);
    return text;
}

}  // namespace

namespace mayhem::testing {

void allocation_gate::fail_at(std::size_t number) noexcept {
    gate.open = gate.failed = false;
    gate.count = 0;
    gate.fail_at = number;
}
void allocation_gate::open() noexcept { gate.open = true; }
void allocation_gate::shut() noexcept { gate.open = false; }
std::size_t allocation_gate::count() noexcept { return gate.count; }
bool allocation_gate::has_failed() noexcept { return gate.failed; }

std::string allocation_gate::where() {
    constexpr int own_frames = 2;  // must_fail and operator new: what lies between is inlined
    std::string text;
    char** lines = ::backtrace_symbols(gate.stack.data(), gate.stack_size);
    for (int at = own_frames; lines != nullptr && at < gate.stack_size; ++at) {
        text += "\n  " + readable(lines[at]);
    }
    std::free(static_cast<void*>(lines));
    return text;
}

}  // namespace mayhem::testing

// Every form that the standard allows to be replaced and that allocates; new[] and its kin call
// these by default.

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return or_throw(allocate_aligned(size, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_aligned(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
