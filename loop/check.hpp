// Assertions for programmers' errors. They stay on in release builds: a broken invariant in a
// runtime is cheaper to see at once than to chase later. Errors of the environment (a full disk, a
// closed peer) are never asserted; they are returned or thrown.
//
// Everything includes this file, so it is also where the library says what it cannot do without.
#pragma once

#if !defined(__cpp_exceptions)
#error "Mayhem is not supported with -fno-exceptions: errors and cancellation are exceptions"
#endif

#include <cstdio>
#include <cstdlib>

namespace mayhem::detail {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line,
                                      const char* why) noexcept {
    std::fprintf(stderr, "%s:%d: invariant broken: %s (%s)\n", file, line, why, condition);
    std::fflush(stderr);
    std::abort();
}

}  // namespace mayhem::detail

/// Aborts with `why` when `condition` is false. One condition per check, so that the message says
/// which half was wrong.
#define MAYHEM_CHECK(condition, why)                                             \
    do {                                                                         \
        if (!(condition)) [[unlikely]]                                           \
            ::mayhem::detail::check_failed(#condition, __FILE__, __LINE__, why); \
    } while (false)
