// The child that serves one upload or download, with the sandbox's own view and rights: no path can reach the host.
#pragma once

#include <cstdint>
#include <string_view>

#include "../protocol.hpp"
#include "buffer.hpp"

namespace berth_init {

namespace protocol = berth_local::protocol;

// Serves the request on `connection` and ends this process. `transferring` is cleared before the plugin can know that
// all is done.
[[noreturn]] void serve_file_connection(int connection, protocol::Type type, std::string_view request,
                                        bool& transferring);

// The connection, with frames gathered on the way out and read ahead on the way in.
class FileStream {
public:
    FileStream(int connection, bool& transferring) : connection_(connection), transferring_(transferring) {}
    // The next frame; its payload lives until the next call. False: the plugin is gone or broke the protocol.
    bool next(protocol::Type& type, std::string_view& payload);
    Buffer& output() { return output_; }
    bool flush();
    // Flushes when much has been gathered.
    bool flush_when_full() { return output_.size() < (192U << 10) || flush(); }
    // The last word: everything went well.
    void finish();
    bool fail(protocol::Stage stage, int error, std::uint32_t operation, std::string_view path,
              std::string_view text = {});
    // After a failure: everything the plugin still sends is taken and dropped, so that it reads why.
    void drop_input();

private:
    int connection_;
    bool& transferring_;
    Buffer input_;
    std::size_t used_ = 0;  // of input_, already given out
    Buffer output_;
};

// An upload: entries in, until `end`.
void take_files(FileStream& stream);
// A download: one entry after another out.
void give_files(FileStream& stream, protocol::Reader& paths);

}  // namespace berth_init
