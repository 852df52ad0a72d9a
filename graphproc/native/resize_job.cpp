// Takes rows through the two passes in the right order.
#include "resize_job.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace graphproc {
namespace {

// Loads read up to this many bytes past the pixels that are needed.
constexpr size_t PADDING = 64;

size_t padded(size_t bytes) { return (bytes + PADDING - 1) / PADDING * PADDING; }

typedef std::unique_ptr<uint8_t[]> Memory;
Memory memory_of(size_t bytes) { return Memory(new uint8_t[bytes]); }

// Computes some rows of one image's result.
class Part {
public:
    Part(const ResizeJob& job, size_t image)
        : job(job), vertical(job.vertical), horizontal(job.horizontal), image(image),
          channels(static_cast<size_t>(job.in.channels)), columns(horizontal.start.size()),
          rows(static_cast<size_t>(job.passes.rows)), pitch((columns + 15) / 16 * 16), planes(padded(pitch * channels)),
          line(static_cast<size_t>(horizontal.high - horizontal.low) * channels),
          pixels(job.in.data + image * job.in.height * job.in.row_bytes() + static_cast<size_t>(horizontal.low) * channels),
          work(memory_of(horizontal.picks ? 0 : job.passes.across_memory(horizontal, job.in.channels))), none(memory_of(planes)) {
        copy_last_rows();
    }

    void run(size_t first, size_t last) {
        if (job.vertical_first || vertical.picks || horizontal.picks)
            rows_by_rows(first, last);
        else
            through_ring(first, last);
    }

private:
    // Copies the rows that loads would read past the end of all images.
    void copy_last_rows() {
        const uint8_t* end = job.in.end();
        const size_t bytes = job.in.row_bytes();
        safe_rows = job.in.height;
        while (safe_rows && static_cast<size_t>(end - (pixels + (safe_rows - 1) * bytes)) < line + PADDING) safe_rows--;
        copy_pitch = line + PADDING;
        const auto needed = static_cast<size_t>(vertical.high);
        if (safe_rows >= needed) return;
        copies = memory_of((needed - safe_rows) * copy_pitch);
        for (size_t y = safe_rows; y < needed; y++) std::memcpy(&copies[(y - safe_rows) * copy_pitch], pixels + y * bytes, line);
    }

    // The needed pixels of an input row.
    const uint8_t* row(size_t y) const {
        return y < safe_rows ? pixels + y * job.in.row_bytes() : &copies[(y - safe_rows) * copy_pitch];
    }

    // Resizes up to `rows` rows along their length. Row r of the result goes to `to[r]`, channel by channel.
    void across(const uint8_t** from, size_t count, uint8_t** to) {
        if (horizontal.picks) {
            for (size_t r = 0; r < count; r++) pick(from[r], to[r]);
            return;
        }
        for (size_t r = count; r < rows; r++) from[r] = from[0], to[r] = none.get();
        job.passes.across(from, horizontal, job.in.channels, work.get(), to, pitch);
    }

    void pick(const uint8_t* from, uint8_t* to) const {
        if (horizontal.spec.keeps()) return job.passes.part(from, columns, job.in.channels, to, pitch);
        for (size_t x = 0; x < columns; x++)
            for (size_t c = 0; c < channels; c++)
                to[c * pitch + x] = from[static_cast<size_t>(horizontal.start[x] - horizontal.low) * channels + c];
    }

    // Writes one row of the result.
    void emit(const uint8_t* from, size_t y) const {
        const ResizeResult& out = job.out;
        for (size_t c = 0; c < channels; c++) {
            const size_t plane = image * channels + c, at = (plane * out.height + out.top + y) * out.width + out.left;
            const uint8_t* own = from + c * pitch;
            if (out.map)
                out.map->apply(own, columns, plane % out.channels, static_cast<float*>(out.data) + at);
            else
                std::memcpy(static_cast<uint8_t*>(out.data) + at, own, columns);
        }
    }

    // The rows that an output reads, as many as its cells have; those past its last one have no weight.
    template <class Row>
    const uint8_t* const* taps(size_t y, Row find) {
        const auto first = static_cast<size_t>(vertical.start[y]), last = static_cast<size_t>(vertical.last[y]);
        sources.clear();
        for (size_t at = first; at < last; at++) sources.push_back(find(at));
        const size_t needed = (vertical.at[y + 1] - vertical.at[y]) * static_cast<size_t>(job.passes.form.taps);
        sources.resize(needed, sources.empty() ? nullptr : sources[0]);
        return sources.data();
    }

    // Rows of the result come from rows that were resized vertically before, or are rows of the input.
    void rows_by_rows(size_t first, size_t last) {
        const size_t line_pitch = padded(line) + PADDING;
        const Memory lines = memory_of(vertical.picks ? 0 : rows * line_pitch), results = memory_of(rows * planes);
        std::vector<const uint8_t*> from(rows);
        std::vector<uint8_t*> to(rows);
        for (size_t y = first; y < last; y += rows) {
            const size_t count = std::min(rows, last - y);
            for (size_t r = 0; r < count; r++) {
                to[r] = &results[r * planes];
                if (vertical.picks) {
                    from[r] = row(static_cast<size_t>(vertical.start[y + r]));
                    continue;
                }
                from[r] = &lines[r * line_pitch];
                job.passes.down(taps(y + r, [&](size_t at) { return row(at); }), vertical, y + r, line, &lines[r * line_pitch]);
            }
            across(from.data(), count, to.data());
            for (size_t r = 0; r < count; r++) emit(&results[r * planes], y + r);
        }
    }

    // Input rows are resized along their length into a ring, and rows of the result read the ring.
    void through_ring(size_t first, size_t last) {
        const size_t slots = static_cast<size_t>(vertical.most_taps) + rows;
        const Memory ring = memory_of(slots * planes), result = memory_of(planes);
        std::vector<const uint8_t*> from(rows);
        std::vector<uint8_t*> to(rows);
        const auto slot = [&](size_t y) { return &ring[y % slots * planes]; };
        auto done = static_cast<size_t>(vertical.start[first]);
        const auto stop = static_cast<size_t>(*std::max_element(&vertical.last[first], &vertical.last[last - 1] + 1));
        for (size_t y = first; y < last; y++) {
            done = std::max(done, static_cast<size_t>(vertical.start[y]));
            while (done < static_cast<size_t>(vertical.last[y])) {
                const size_t count = std::min(rows, stop - done);
                for (size_t r = 0; r < count; r++) from[r] = row(done + r), to[r] = slot(done + r);
                across(from.data(), count, to.data());
                done += count;
            }
            job.passes.down(taps(y, slot), vertical, y, pitch * channels, result.get());
            emit(result.get(), y);
        }
    }

    const ResizeJob& job;
    const Axis &vertical, &horizontal;
    const size_t image, channels, columns, rows;
    const size_t pitch;   // bytes from one channel of a row to the next
    const size_t planes;  // bytes from one row to the next
    const size_t line;    // bytes of the needed pixels of an input row
    const uint8_t* const pixels;
    Memory work, none, copies;
    size_t safe_rows = 0, copy_pitch = 0;
    std::vector<const uint8_t*> sources;
};

}  // namespace

void ResizeResult::surround(size_t plane, size_t first, size_t last, size_t columns) const {
    const auto write = [&](auto* elements, auto value) {
        for (size_t y = first; y < last; y++) {
            auto* row = elements + (plane * height + y) * width;
            std::fill(row, row + left, value);
            std::fill(row + left + columns, row + width, value);
        }
    };
    const float value = fill[plane % channels];
    if (map)
        write(static_cast<float*>(data), value);
    else
        write(static_cast<uint8_t*>(data), static_cast<uint8_t>(value));
}

void ResizeJob::run(size_t image, size_t first, size_t last) const {
    Part(*this, image).run(first, last);
    const size_t rows = vertical.start.size(), columns = horizontal.start.size(), planes = static_cast<size_t>(in.channels);
    if (out.height == rows && out.width == columns) return;
    for (size_t plane = image * planes; plane < (image + 1) * planes; plane++) {
        if (first == 0) out.surround(plane, 0, out.top, 0);
        out.surround(plane, out.top + first, out.top + last, columns);
        if (last == rows) out.surround(plane, out.top + rows, out.height, 0);
    }
}

size_t ResizeJob::parts() const {
    // A part is worth a thread from about 0.1 ms on. Parts of rows share `most_taps` input rows, and their last rows fill half of
    // what `across` takes at a time; that is at most a sixteenth of a part.
    const size_t read = static_cast<size_t>(vertical.high - vertical.low) * static_cast<size_t>(horizontal.high - horizontal.low);
    const size_t written = vertical.start.size() * horizontal.start.size() * 2;
    const auto wasted = static_cast<size_t>(vertical.most_taps + passes.rows / 2);
    size_t most = (read + written) * static_cast<size_t>(in.channels) >> 18;
    if (!vertical_first && !vertical.picks && !horizontal.picks)
        most = std::min(most, static_cast<size_t>(vertical.high - vertical.low) / (16 * wasted));
    return std::clamp<size_t>(most, 1, std::min<size_t>(vertical.start.size(), 16));
}

}  // namespace graphproc
