// See files.hpp: the connection of a file server, and its start.
#include "files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth_init {

void serve_file_connection(int connection, protocol::Type type, std::string_view request, bool& transferring) {
    setsid();
    umask(0);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    fcntl(connection, F_SETFL, 0);
    FileStream stream(connection, transferring);
    protocol::Reader reader(request);
    if (reader.u32() != protocol::version) {
        stream.fail(protocol::Stage::request, EPROTO, 0, {});
    } else if (type == protocol::Type::files_in) {
        take_files(stream);
    } else {
        give_files(stream, reader);
    }
    stream.flush();
    shutdown(connection, SHUT_WR);
    stream.drop_input();
    _exit(0);
}

bool FileStream::next(protocol::Type& type, std::string_view& payload) {
    constexpr std::size_t whole = sizeof(protocol::Header) + protocol::max_frame;
    if (!input_.reserve(2 * whole)) {
        return false;
    }
    for (;;) {
        const std::size_t there = input_.size() - used_;
        if (there >= sizeof(protocol::Header)) {
            protocol::Header header{};
            std::memcpy(&header, input_.data() + used_, sizeof header);
            if (header.size > protocol::max_frame) {
                return false;
            }
            if (there >= sizeof header + header.size) {
                type = static_cast<protocol::Type>(header.type);
                payload = {input_.data() + used_ + sizeof header, header.size};
                used_ += sizeof header + header.size;
                return true;
            }
        }
        if (used_ >= whole || there == 0) {
            std::memmove(input_.data(), input_.data() + used_, there);
            input_.resize(there);
            used_ = 0;
        }
        const std::size_t filled = input_.size();
        const ssize_t size = recv(connection_, input_.data() + filled, 2 * whole - filled, 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return false;
        }
        input_.resize(filled + static_cast<std::size_t>(size));
    }
}

bool FileStream::flush() {
    std::size_t sent = 0;
    while (sent < output_.size()) {
        const ssize_t size = send(connection_, output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            output_.clear();
            return false;
        }
        sent += static_cast<std::size_t>(size);
    }
    output_.clear();
    return !output_.failed();
}

void FileStream::finish() {
    transferring_ = false;
    protocol::Writer(output_, protocol::Type::done).finish();
    flush();
}

bool FileStream::fail(protocol::Stage stage, int error, std::uint32_t operation, std::string_view path,
                      std::string_view text) {
    transferring_ = false;
    protocol::Writer frame(output_, protocol::Type::failed);
    frame.u32(static_cast<std::uint32_t>(stage))
        .u32(static_cast<std::uint32_t>(error))
        .u32(operation)
        .bytes(path.substr(0, protocol::max_path))
        .bytes(text)
        .finish();
    flush();
    return false;
}

void FileStream::drop_input() {
    char scratch[16U << 10];
    for (;;) {
        const ssize_t size = recv(connection_, scratch, sizeof scratch, 0);
        if (size == 0 || (size < 0 && errno != EINTR)) {
            return;
        }
    }
}

}  // namespace berth_init
