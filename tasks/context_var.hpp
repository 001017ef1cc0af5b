// `context_var<T>`: a variable whose value belongs to the running task; asyncio's contextvars.
//
//     context_var<std::string> request_id("request_id", "-");
//
//     coro<> serve(request incoming) {
//         request_id.set(incoming.id);
//         co_await answer(incoming);            // sees it: the same task
//         create_task(audit(incoming));         // sees it: its context is a copy of ours
//     }                                         // nobody else ever sees it
//
// A task, a callback and a job in an executor start with a copy of the context in which they were
// created, and what they set stays with them. A `co_await` of a coroutine switches nothing: it is
// the same task. Reading costs a look-up among the variables that have a value; awaiting, creating
// tasks and scheduling cost nothing more than without variables.
//
// Values are shared between contexts, and never changed: `get` gives a copy. They may be read and
// destroyed on other threads, by the jobs of executors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "loop/context.hpp"

namespace mayhem {

namespace detail {
[[nodiscard]] std::uint64_t next_context_variable() noexcept;
[[noreturn]] void throw_no_value(const std::string& name);
/// Throws std::logic_error unless the token of `variable` may be used, now and here.
void check_token(const std::string& name, std::uint64_t variable, std::uint64_t token_variable,
                 bool is_here, bool used);
}  // namespace detail

template <typename T>
class context_var;

/// Remembers the value that a `set` replaced; contextvars.Token. Good for one `reset`.
template <typename T>
class context_token {
  public:
    context_token(context_token&& other) noexcept
        : old_(std::move(other.old_)),
          variable_(other.variable_),
          context_(other.context_),
          used_(std::exchange(other.used_, true)) {}
    context_token& operator=(context_token&&) = delete;

    /// Nothing when the variable had no value.
    [[nodiscard]] std::optional<T> old_value() const {
        if (!old_) return std::nullopt;
        return *static_cast<const T*>(old_.get());
    }

  private:
    friend class context_var<T>;
    context_token(context::value_pointer old, std::uint64_t variable,
                  std::uint64_t context) noexcept
        : old_(std::move(old)), variable_(variable), context_(context) {}

    context::value_pointer old_;
    std::uint64_t variable_;
    std::uint64_t context_;
    bool used_ = false;
};

/// Declare it at namespace scope: contexts may refer to its values for as long as they live, and
/// nobody reads them without it. `T` must be copyable. Thread-safe, since every thread works on
/// a context of its own.
template <typename T>
class context_var {
  public:
    explicit context_var(std::string name) : name_(std::move(name)) {}
    context_var(std::string name, T default_value)
        : name_(std::move(name)), default_(std::move(default_value)) {}
    context_var(const context_var&) = delete;
    context_var& operator=(const context_var&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// The value in the active context, or the variable's default.
    /// @throws std::out_of_range when there is neither; Python's LookupError
    [[nodiscard]] T get() const {
        if (const auto value = find()) return *static_cast<const T*>(value.get());
        if (!default_) detail::throw_no_value(name_);
        return *default_;
    }

    /// The value in the active context, or `otherwise`, whatever the variable's default is.
    [[nodiscard]] T get(T otherwise) const {
        if (const auto value = find()) return *static_cast<const T*>(value.get());
        return otherwise;
    }

    /// Gives it a value in the active context, and in no other.
    context_token<T> set(T value) {
        context& here = context::active();
        context::value_pointer old = here.find(id_);
        here.set(id_, std::make_shared<const T>(std::move(value)));
        return context_token<T>(std::move(old), id_, here.identity());
    }

    /// Restores what `set` replaced. @throws std::logic_error when the token was used before, or
    /// belongs to another variable, or was made in another context.
    void reset(context_token<T>& token) {
        context& here = context::active();
        detail::check_token(name_, id_, token.variable_, token.context_ == here.identity(),
                            token.used_);
        token.used_ = true;
        here.set(id_, std::move(token.old_));
    }
    void reset(context_token<T>&& token) { reset(token); }

    /// Its value until the end of the scope; what `with var.set(value):` is in Python 3.14.
    ///
    ///     const auto bound = request_id.bind("42");
    class [[nodiscard]] binding {
      public:
        binding(context_var& variable, T value)
            : variable_(variable), token_(variable.set(std::move(value))) {}
        binding(const binding&) = delete;
        binding& operator=(const binding&) = delete;
        // A frame that its closing loop destroys dies outside of its context: nothing is left to
        // restore then, and another context is not touched.
        ~binding() {
            if (context::active().identity() == token_.context_) variable_.reset(token_);
        }

      private:
        context_var& variable_;
        context_token<T> token_;
    };
    binding bind(T value) { return binding(*this, std::move(value)); }

  private:
    [[nodiscard]] context::value_pointer find() const noexcept {
        return context::active().find(id_);
    }

    std::string name_;
    std::optional<T> default_;
    const std::uint64_t id_ = detail::next_context_variable();
};

}  // namespace mayhem
