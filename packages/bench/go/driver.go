// Appends batches of entries to the store of one of Go's Raft nodes, each durable when the call returns, for a given time.
// It takes one JSON object on standard input and prints one on standard output. The store is in a file of its own, which is
// compiled together with this one.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

type task struct {
	Directory string  `json:"directory"`
	Batch     int     `json:"batch"`
	Payload   int     `json:"payload"`
	Seconds   float64 `json:"seconds"`
}

// The names are those of a trial's figures.
type figures struct {
	EntriesPerSecond float64 `json:"entriesPerSecond"`
	P50Ms            float64 `json:"p50Ms"`
	P99Ms            float64 `json:"p99Ms"`
	P999Ms           float64 `json:"p999Ms"`
	MaxMs            float64 `json:"maxMs"`
	Calls            int     `json:"calls"`
}

// A store takes batches whose entries have the given payloads; the first one has the given index.
type store interface {
	append(firstIndex uint64) error
	close() error
}

func main() {
	var given task
	check(json.NewDecoder(os.Stdin).Decode(&given))
	opened, err := openStore(given.Directory, randomPayloads(given.Batch, given.Payload))
	check(err)
	next := uint64(1)
	measure(opened, given, given.Seconds/2, &next)
	latencies, seconds := measure(opened, given, given.Seconds, &next)
	check(opened.close())
	check(json.NewEncoder(os.Stdout).Encode(summarize(latencies, seconds, given.Batch)))
}

func measure(opened store, given task, seconds float64, next *uint64) ([]time.Duration, float64) {
	latencies := make([]time.Duration, 0, 1<<16)
	began := time.Now()
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	for now := began; now.Before(end); {
		check(opened.append(*next))
		*next += uint64(given.Batch)
		done := time.Now()
		latencies = append(latencies, done.Sub(now))
		now = done
	}
	return latencies, time.Since(began).Seconds()
}

// Bytes that don't compress, a few bytes apart in one pool: what is written differs from entry to entry.
func randomPayloads(count int, size int) [][]byte {
	const poolBytes = 1 << 20
	pool := make([]byte, poolBytes+size)
	_, err := rand.Read(pool)
	check(err)
	payloads := make([][]byte, count)
	offset := 0
	for i := range payloads {
		offset = (offset + size + 7) % poolBytes
		payloads[i] = pool[offset : offset+size]
	}
	return payloads
}

func summarize(latencies []time.Duration, seconds float64, batch int) figures {
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	percentile := func(share float64) float64 {
		at := int(share * float64(len(latencies)))
		if at >= len(latencies) {
			at = len(latencies) - 1
		}
		return float64(latencies[at].Nanoseconds()) / 1e6
	}
	return figures{
		EntriesPerSecond: float64(batch*len(latencies)) / seconds,
		P50Ms:            percentile(0.5),
		P99Ms:            percentile(0.99),
		P999Ms:           percentile(0.999),
		MaxMs:            percentile(1),
		Calls:            len(latencies),
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
