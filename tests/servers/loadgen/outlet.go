package main

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"os"
)

// sink takes the messages of the stream, in order.
type sink interface {
	send(subject string, body []byte) error
	// close waits until all are where they belong, and proves it.
	close(count uint64) error
}

// outlet is the way to the sinks; late messages wait in it.
type outlet struct {
	sinks   []sink
	count   uint64
	waiting delayed
	order   uint64 // of the late ones: they keep it when due together
}

func (o *outlet) send(subject string, body []byte) error {
	if err := o.emit(subject, body); err != nil {
		return err
	}
	for len(o.waiting) > 0 && o.waiting[0].due <= o.count {
		if err := o.emitNext(); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) emit(subject string, body []byte) error {
	for _, s := range o.sinks {
		if err := s.send(subject, body); err != nil {
			return err
		}
	}
	o.count++
	return nil
}

func (o *outlet) emitNext() error {
	late := heap.Pop(&o.waiting).(lateMessage)
	return o.emit(late.subject, late.body)
}

// later keeps a copy until so many others have passed, or the end.
func (o *outlet) later(others uint64, subject string, body []byte) {
	o.order++
	heap.Push(&o.waiting, lateMessage{o.count + others, o.order, subject, bytes.Clone(body)})
}

func (o *outlet) finish() error {
	for len(o.waiting) > 0 {
		if err := o.emitNext(); err != nil {
			return err
		}
	}
	for _, s := range o.sinks {
		if err := s.close(o.count); err != nil {
			return err
		}
	}
	return nil
}

type lateMessage struct {
	due, order uint64
	subject    string
	body       []byte
}

type delayed []lateMessage

func (q delayed) Len() int { return len(q) }
func (q delayed) Less(i, j int) bool {
	return q[i].due < q[j].due || (q[i].due == q[j].due && q[i].order < q[j].order)
}
func (q delayed) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *delayed) Push(x any)   { *q = append(*q, x.(lateMessage)) }
func (q *delayed) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// messageFile keeps the messages as pairs of length-prefixed strings, for
// comparisons of whole runs.
type messageFile struct {
	file *os.File
	out  *bufio.Writer
}

func newMessageFile(path string) (*messageFile, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &messageFile{file, bufio.NewWriterSize(file, 1<<20)}, nil
}

func (f *messageFile) send(subject string, body []byte) error {
	b := binary.AppendUvarint(f.out.AvailableBuffer(), uint64(len(subject)))
	b = append(b, subject...)
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	_, err := f.out.Write(b)
	return err
}

func (f *messageFile) close(uint64) error {
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.file.Close()
}
