// What the C++ programs of this folder are made of: PAIR(name), the twin of name.py, and `event`.
#pragma once

#include <fmt/format.h>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/mayhem.hpp"

namespace mayhem::differential {

/// Traces `text` with the virtual time, as event() in pair.py does.
void trace_event(std::string_view text);

template <typename... Arguments>
void event(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    trace_event(fmt::format(text, std::forward<Arguments>(arguments)...));
}

/// A truth value as Python writes it.
inline const char* yes(bool answer) { return answer ? "True" : "False"; }

/// A vector of handles. (g++ 12 compiles no initializer list inside a co_await expression.)
template <typename Handle, typename... More>
std::vector<Handle> list_of(Handle first, More... more) {
    std::vector<Handle> handles;
    handles.push_back(std::move(first));
    (handles.push_back(std::move(more)), ...);
    return handles;
}

/// Does something at the end of the scope, however it ends: `finally` without an await.
template <typename Function>
class at_end {
  public:
    explicit at_end(Function function) : function_(std::move(function)) {}
    at_end(const at_end&) = delete;
    at_end& operator=(const at_end&) = delete;
    ~at_end() { function_(); }

  private:
    Function function_;
};

/// Called by PAIR during static initialisation.
bool register_pair(const char* name, coro<void> (*body)());

}  // namespace mayhem::differential

/// Defines the twin of the Python program NAME.py: the body is its main().
#define PAIR(name)                                                  \
    static ::mayhem::coro<void> pair_##name();                      \
    [[maybe_unused]] static const bool pair_##name##_is_known =     \
        ::mayhem::differential::register_pair(#name, &pair_##name); \
    static ::mayhem::coro<void> pair_##name()
