#include "tasks/io/stream_error.hpp"

#include <string>

namespace mayhem {
namespace {

class stream_error_category final : public std::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "stream"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<stream_errc>(code)) {
            case stream_errc::end_of_stream:
                return "the stream ended too early";
            case stream_errc::line_too_long:
                return "the line is too long";
        }
        return "unknown stream error";
    }
};

}  // namespace

const std::error_category& stream_category() noexcept {
    static const stream_error_category category;
    return category;
}

}  // namespace mayhem
