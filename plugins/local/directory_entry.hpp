// The next entry of a directory. For berth-init, too: nothing here allocates or throws.
#pragma once

#include <dirent.h>

#include <cerrno>
#include <cstring>

// "." and ".." are left out. None at the end, and then errno is 0, or what kept the rest from being read. A directory
// has one thread that reads it.
inline const dirent* next_entry(DIR* directory) {
    for (;;) {
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): only two threads on one stream are unsafe, and a stream has one
        const dirent* entry = ::readdir(directory);
        if (entry == nullptr || (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)) {
            return entry;
        }
    }
}
