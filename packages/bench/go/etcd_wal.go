package main

import (
	"path/filepath"

	"go.etcd.io/etcd/raft/raftpb"
	"go.etcd.io/etcd/wal"
)

// The write-ahead log of etcd as its Raft node uses it: a Save with entries ends with one fdatasync. The hard state is left empty, which
// writes no record for it: neither do the calls that this is compared with.
type etcdWal struct {
	wal     *wal.WAL
	entries []raftpb.Entry
}

func openStore(directory string, payloads [][]byte) (store, error) {
	opened, err := wal.Create(nil, filepath.Join(directory, "wal"), nil)
	if err != nil {
		return nil, err
	}
	entries := make([]raftpb.Entry, len(payloads))
	for i, payload := range payloads {
		entries[i] = raftpb.Entry{Term: 1, Type: raftpb.EntryNormal, Data: payload}
	}
	return &etcdWal{opened, entries}, nil
}

func (s *etcdWal) append(firstIndex uint64) error {
	for i := range s.entries {
		s.entries[i].Index = firstIndex + uint64(i)
	}
	return s.wal.Save(raftpb.HardState{}, s.entries)
}

func (s *etcdWal) close() error {
	return s.wal.Close()
}
