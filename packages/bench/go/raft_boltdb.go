package main

import (
	"path/filepath"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb"
)

// What HashiCorp's Raft nodes store their logs in: one transaction, with its syncs, for each StoreLogs.
type boltStore struct {
	store *raftboltdb.BoltStore
	logs  []*raft.Log
}

func openStore(directory string, payloads [][]byte) (store, error) {
	opened, err := raftboltdb.NewBoltStore(filepath.Join(directory, "raft.db"))
	if err != nil {
		return nil, err
	}
	logs := make([]*raft.Log, len(payloads))
	for i, payload := range payloads {
		logs[i] = &raft.Log{Term: 1, Type: raft.LogCommand, Data: payload}
	}
	return &boltStore{opened, logs}, nil
}

func (s *boltStore) append(firstIndex uint64) error {
	for i, log := range s.logs {
		log.Index = firstIndex + uint64(i)
	}
	return s.store.StoreLogs(s.logs)
}

func (s *boltStore) close() error {
	return s.store.Close()
}
