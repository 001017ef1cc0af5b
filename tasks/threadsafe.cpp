#include "tasks/threadsafe.hpp"

namespace mayhem::detail {
namespace {

class posted_call final : public runnable {
  public:
    explicit posted_call(std::move_only_function<void()> function)
        : function_(std::move(function)) {}

    void run() noexcept override {
        function_();
        delete this;
    }
    void discard() noexcept override { delete this; }

  private:
    std::move_only_function<void()> function_;
};

}  // namespace

void post_or_drop(const std::shared_ptr<inbox>& remote, std::move_only_function<void()> function) {
    auto call = std::make_unique<posted_call>(std::move(function));
    if (!remote->post(*call)) return;
    [[maybe_unused]] auto* taken_by_loop = call.release();
}

}  // namespace mayhem::detail
