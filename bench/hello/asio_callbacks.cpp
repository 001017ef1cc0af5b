// The smallest program that runs a callback on a context of Asio.

#include <asio/io_context.hpp>
#include <asio/post.hpp>

int main() {
    asio::io_context context(1);
    int answer = 1;
    asio::post(context, [&answer] { answer = 0; });
    context.run();
    return answer;
}
