// The async stack: which coroutine awaits which, with file and line, for tasks that are suspended,
// for the one that runs, and, in debug mode, for the moment at which something was created.
//
// It is text for people. Whoever needs it while a thread is stuck, from a signal handler, reads the
// frames themselves (promise.hpp), which point to nothing but constants of the program.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "loop/function_name.hpp"
#include "loop/recycling_allocator.hpp"

namespace mayhem {

class event_loop;
class task_base;

/// One line of an async stack.
struct stack_frame {
    std::string function;
    const char* file;
    unsigned line;
};

/// One `File "...", line N, in f` per frame, each on a line of its own, as Python prints them.
[[nodiscard]] std::string format_frames(const std::vector<stack_frame>& frames);

namespace detail {

/// Where something was created: the call itself, the coroutines that were awaiting each other
/// there, and what is remembered of the creation of their task; asyncio's source_traceback. The
/// innermost lines are kept when there are more than fit.
class creation_stack : public recycled {
  public:
    /// asyncio's DEBUG_STACK_DEPTH is 10; parents' stacks are remembered here as well.
    static constexpr std::size_t depth_max = 16;

    /// @param creator the task that runs, or null
    creation_stack(const task_base* creator, const std::source_location& where) noexcept;

    /// The outermost first.
    [[nodiscard]] std::vector<stack_frame> frames() const;
    /// `Object created at (most recent call last):` and the frames.
    [[nodiscard]] std::string format() const;

  private:
    struct site {
        const char* function;
        const char* file;
        unsigned line;
    };
    void add(const char* function, const char* file, unsigned line) noexcept;

    std::size_t size_ = 0;
    std::array<site, depth_max> sites_;  // the innermost first
};

/// The stack of now. Throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<const creation_stack> remember_creation(
    event_loop& loop, const std::source_location& where);

}  // namespace detail
}  // namespace mayhem
