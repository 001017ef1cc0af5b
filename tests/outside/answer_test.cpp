// A test outside: it knows the installed testing kit, and tests answer.cpp's kind of coroutine.
#include <mayhem.hpp>
#include <tasks/testing/co_test.hpp>
#include <tasks/testing/mock_coro.hpp>

using namespace std::chrono_literals;

CO_TEST(answer, comes_after_an_hour_of_virtual_time) {
    const auto before = mayhem::get_running_loop().time();
    co_await mayhem::sleep(1h);
    EXPECT_EQ(mayhem::get_running_loop().time() - before, 1h);
}

struct mock_oracle {
    MOCK_METHOD(mayhem::coro<int>, answer, ());
};

CO_TEST(answer, comes_from_a_mock) {
    mock_oracle oracle;
    EXPECT_CALL(oracle, answer).WillOnce(mayhem::testing::CoReturn(42));
    EXPECT_EQ(co_await oracle.answer(), 42);
}
