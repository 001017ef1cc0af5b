// Several exceptions at once: what a task group throws when its children fail.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace mayhem {

/// Python's ExceptionGroup. Copies share their content. Groups may contain groups.
class exception_group : public std::exception {
  public:
    /// REQUIRES: no exception is null.
    exception_group(const std::string& message, std::vector<std::exception_ptr> exceptions);

    /// The message, the number of exceptions, and each one's own text.
    [[nodiscard]] const char* what() const noexcept override { return content_->what.c_str(); }

    /// In the order in which they happened.
    [[nodiscard]] const std::vector<std::exception_ptr>& exceptions() const noexcept {
        return content_->exceptions;
    }

    /// The exceptions with those of groups inside in place of the groups.
    [[nodiscard]] std::vector<std::exception_ptr> flatten() const;

    /// How many of the exceptions, those of inner groups included, can be caught as an `Exception`.
    template <typename Exception>
    [[nodiscard]] std::size_t count() const {
        std::size_t found = 0;
        for (const std::exception_ptr& each : flatten()) {
            try {
                std::rethrow_exception(each);
            } catch (const Exception&) {
                ++found;
            } catch (...) {
                continue;
            }
        }
        return found;
    }

  private:
    struct content {
        std::string what;
        std::vector<std::exception_ptr> exceptions;
    };
    std::shared_ptr<const content> content_;
};

/// The text of any exception: its what(), or a few words if it has none.
[[nodiscard]] std::string describe_exception(const std::exception_ptr& exception);

}  // namespace mayhem
